"""From a trial to its rows in `results.parquet`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.sweep import JOINT, MEAN, Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.beside import baseline_of
from nemesis_sweep.sweep.confirm import seeds_of
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.objective_values import excesses
from nemesis_sweep.sweep.proposal import BASELINE, REASON, SECONDS
from nemesis_sweep.sweep.result import Result
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.worker.result import read_result


class Recorded(Protocol):
    """What rows are made from: a study that is driven, or one that is only read."""

    @property
    def sweep(self) -> Sweep: ...

    @property
    def key(self) -> str: ...

    @property
    def tasks(self) -> tuple[Task, ...]: ...

    @property
    def objective(self) -> str: ...

    @property
    def ending(self) -> str: ...

    def last_value(self, trial: FrozenTrial) -> tuple[int, float] | None: ...


def trial_rows(study: Recorded, number: str, trial: FrozenTrial, home: Path) -> list[Row]:
    """One row; for a joint trial one for each task that it finished, then one with the means over all."""
    folder = Home(home).trial(study.key, number)
    row = Row(
        study=study.key,
        number=number,
        state=trial.state.name,
        reason=trial.user_attrs.get(REASON, ""),
        stopped=study.ending or None,
    )
    parts = []
    if study.key == JOINT:
        finished = [(task, read_result(folder / task.key)) for task in study.tasks]
        parts = [
            replace(with_result(row, result), task=task.key, **shared([task]))
            for task, result in finished
            if result is not None
        ]
    whole = replace(row, task=MEAN if study.key == JOINT else study.key, **shared(study.tasks))
    result = read_result(folder)
    if trial.state != TrialState.COMPLETE or result is None:
        return [*parts, _without_result(study, whole, trial)]
    broken = _broken(study, [part.config or {} for part in parts] or [result.config], result)
    return [replace(each, broken=broken) for each in (*parts, with_result(whole, result))]


def with_result(row: Row, result: Result) -> Row:
    """The row with all that a trial measured, and how it was trained."""
    return replace(
        row,
        baseline=result.baseline,
        params=result.params,
        config=result.config,
        seeds=result.seeds,
        epochs=result.epochs,
        metrics=result.metrics,
        replicates=result.replicates,
        seconds=result.seconds,
        selected_share=result.selected_share,
        worker=result.worker or None,
    )


def _broken(study: Recorded, configs: Sequence[Values], result: Result) -> list[str]:
    """The constraints that a complete trial breaks; a joint trial keeps one on all tasks or on none."""
    found = excesses(study.sweep.search.conditions, configs, result.measured, result.baseline)
    return [text for text, excess in found.items() if excess > 0]


def shared(tasks: Sequence[Task]) -> dict[str, Any]:
    """Dataset, shots, backbone and protocol, as far as the tasks have them in common."""
    names = ("dataset", "shots", "backbone", "protocol")
    values = {name: {getattr(task, name) for task in tasks} for name in names}
    return {name: value for name, (value, *others) in values.items() if not others}


def _without_result(study: Recorded, row: Row, trial: FrozenTrial) -> Row:
    """The row with what Optuna knows of a trial that left no result."""
    last = study.last_value(trial)
    return replace(
        row,
        baseline=baseline_of(trial.user_attrs.get(BASELINE, "")),
        params=trial.params,
        seeds=list(seeds_of(study.sweep, trial)),
        epochs=last[0] if last else 0,
        metrics={study.objective: last[1]} if last else {},
        seconds=trial.user_attrs.get(SECONDS, 0.0),
    )
