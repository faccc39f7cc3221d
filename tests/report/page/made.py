"""A sweep of a report, made by hand: nothing is trained and nothing is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.record import SweepRecord
from nemesis_sweep.spec.dimensions import Choice, FloatRange
from nemesis_sweep.spec.sections import read_sections
from nemesis_sweep.spec.space import places
from nemesis_sweep.spec.sweep import JOINT, Sweep
from nemesis_sweep.sweep.best import mark_best
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.proposal import SECONDS
from nemesis_sweep.sweep.recorded import RecordedStudy
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.status import status_of

SWEEP = """
name: made
tasks: {dataset: digits, shots: [1, 4], replicates: 3}
method: {views: 1, n_ctx: 4}
space:
  omega: {low: 1, high: 100, log: true}
  beta: {choices: {1: {}, 0: {corruption: {low: 0.0, high: 0.9}}}}
search: {eval_every: 10, pruner: none, baselines: [zero_shot, coop]}
budget: {trials: 4}
"""
BEGAN = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass
class Trial:
    """A trial of one task. val: the objective per replicate, or its mean. curve: epoch -> objective."""

    params: Mapping[str, Any]
    val: float | Sequence[float] = 0.0
    test: float | Sequence[float] | None = None
    state: str = "COMPLETE"
    curve: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 10.0
    share: Sequence[Sequence[float]] | None = None
    worker: str | None = None
    began: float = 0.0


def material(trials: Mapping[str, Sequence[Trial]], text: str = SWEEP, coop: float | None = None) -> Material:
    """The material of a report on one sweep. trials: by the name of their task; coop: its test accuracy."""
    sweep, faults = read_sections(yaml.safe_load(text), None)
    assert sweep is not None, faults
    studies, rows = [], []
    for key, tasks in sweep.studies().items():
        assert key != JOINT
        of_study = list(trials.get(key, ()))
        frozen = tuple((str(number), _frozen(sweep, number, each)) for number, each in enumerate(of_study))
        studies.append(RecordedStudy(sweep, key, tuple(tasks), frozen))
        rows += [_row(sweep, key, tasks[0], number, each) for number, each in enumerate(of_study)]
        if coop is not None:
            plain = Trial({}, coop, coop)
            rows.append(_row(sweep, key, tasks[0], "coop", plain, baseline="coop"))
    home = Home(Path("/nowhere/made"))
    marked = mark_best(rows, sweep.search.objective)
    return Material([SweepRecord(sweep.name, home, sweep, studies, marked, status_of(sweep, studies, home))])


def _values(values: float | Sequence[float]) -> list[float]:
    return list(values) if isinstance(values, Sequence) else [values] * 3


def _row(sweep: Sweep, key: str, task: Any, number: int | str, each: Trial, baseline: str = "") -> Row:
    done = each.state == "COMPLETE"
    replicates = (
        {"val/accuracy": _values(each.val), "test/accuracy": _values(each.test or 0.0)} if done else {}
    )
    fixed = {"prompt": "coop", "omega": 0.0, "beta": 1.0, "epochs": 50, "n_ctx": 4}
    return Row(
        study=key,
        number=str(number),
        task=key,
        dataset=task.dataset,
        shots=task.shots,
        backbone=task.backbone,
        protocol=task.protocol,
        baseline=baseline,
        state=each.state,
        params=dict(each.params),
        config={**fixed, **each.params} if done else None,
        seeds=list(sweep.tasks.seeds),
        epochs=50,
        metrics={name: sum(values) / len(values) for name, values in replicates.items()},
        replicates=replicates,
        seconds=each.seconds,
        selected_share=each.share,
        worker=each.worker,
    )


def _frozen(sweep: Sweep, number: int, each: Trial) -> FrozenTrial:
    state = TrialState[each.state]
    start = BEGAN + timedelta(seconds=each.began)
    trial = optuna.trial.create_trial(
        state=state,
        value=sum(_values(each.val)) / 3 if state == TrialState.COMPLETE else None,
        params=dict(each.params),
        distributions={name: _distribution(sweep, name) for name in each.params},
        intermediate_values=dict(each.curve),
        user_attrs={SECONDS: each.seconds},
    )
    trial.number = number
    trial.datetime_start = start.replace(tzinfo=None)
    over = state.is_finished()
    trial.datetime_complete = (start + timedelta(seconds=each.seconds)).replace(tzinfo=None) if over else None
    return trial


def _distribution(sweep: Sweep, name: str) -> Any:
    dimension = next(place.dimension for place in places(sweep.space) if place.name == name)
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.choices)
    kind = FloatDistribution if isinstance(dimension, FloatRange) else IntDistribution
    return kind(dimension.low, dimension.high, log=dimension.log)
