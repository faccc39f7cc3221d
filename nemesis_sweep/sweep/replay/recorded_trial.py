"""One trial as a home's records have it: what was trained, and every number that was kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.outside.methods import read_method
from nemesis_sweep.spec.sweep import JOINT, Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.beside import baseline_of
from nemesis_sweep.sweep.confirm import seeds_of
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.simulated import refuse_simulated
from nemesis_sweep.sweep.proposal import BASELINE
from nemesis_sweep.sweep.recorded import RecordedStudy, recorded_studies, recorded_sweep
from nemesis_sweep.sweep.result import Result
from nemesis_sweep.sweep.space.baselines import most_epochs
from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec, parts_of
from nemesis_sweep.sweep.worker.result import read_result
from nemesis_sweep.tracking.outbox import METRICS, Outbox

SECONDS = "seconds"
"""The one metric that is of the machine, not of the training."""
Epochs = Mapping[tuple[str, int], float]
"""Means over the replicates by metric and epoch; of a joint trial `TASK/METRIC`."""


@dataclass(frozen=True)
class RecordedTrial:
    """A trial that can be trained again. spec: what its worker was given, in the home itself.

    last: the pruner's step up to which it was trained; None where it came to its end. results: of each of its
    tasks, by the task's name. epochs: what was logged while it trained.
    """

    spec: TrialSpec | JointTrialSpec
    state: str
    last: int | None
    results: Mapping[str, Result]
    epochs: Epochs


def recorded_trial(home: Home, name: str) -> RecordedTrial:
    """The trial `STUDY/NUMBER` of a home; NUMBER may be the name of a row beside the space.

    Raises ``UserError`` for a name of no trial, for one that has told nothing, and for one whose result
    cannot be read.
    """
    refuse_simulated(home)
    sweep = recorded_sweep(home)
    study, number, trial = _found(recorded_studies(sweep, home), name)
    folder = home.trial(study.key, number)
    results = _results(study, folder)
    complete = trial.state == TrialState.COMPLETE
    if complete and len(results) < len(study.tasks):
        raise _refused("its result is missing or damaged", name, f"a whole {folder}/result.json")
    last = None if complete else max(trial.intermediate_values, default=0)
    if last == 0:
        raise _refused(
            f"nothing is recorded of this trial ({trial.state.name})", name, "one that was trained"
        )
    methods = [_method(sweep, task, number, trial, results.get(task.key)) for task in study.tasks]
    spec = _spec(sweep, home, study, number, trial, methods)
    return RecordedTrial(spec, trial.state.name, last, results if complete else {}, logged(folder))


def logged(folder: Path) -> dict[tuple[str, int], float]:
    """What a trial has logged into the outbox of its folder; of a value that was corrected the last one."""
    found: dict[tuple[str, int], float] = {}
    for event in Outbox(folder).read()[0]:
        if event["event"] == METRICS:
            found |= {(name, event["epoch"]): value for name, value in event["metrics"].items()}
    return {key: value for key, value in found.items() if key[0].rpartition("/")[2] != SECONDS}


def moved(spec: TrialSpec | JointTrialSpec, home: Home) -> TrialSpec | JointTrialSpec:
    """The same trial in another home."""
    parts = tuple(replace(part, home=str(home.path)) for part in parts_of(spec))
    return replace(spec, parts=parts) if isinstance(spec, JointTrialSpec) else parts[0]


def _found(studies: Sequence[RecordedStudy], name: str) -> tuple[RecordedStudy, str, FrozenTrial]:
    known = {
        f"{study.key}/{number}": (study, number, trial) for study in studies for number, trial in study.trials
    }
    if name not in known:
        near = nearest(name, known)
        raise UserError(
            Problem("no such trial", "STUDY/NUMBER", found=name, allowed=listed(list(known)), nearest=near)
        )
    return known[name]


def _results(study: RecordedStudy, folder: Path) -> dict[str, Result]:
    places = {task.key: folder / task.key if study.key == JOINT else folder for task in study.tasks}
    found = {key: read_result(place) for key, place in places.items()}
    return {key: result for key, result in found.items() if result is not None}


def _method(sweep: Sweep, task: Task, number: str, trial: FrozenTrial, result: Result | None) -> Method:
    """What a task trained: as its result says, else as its parameters do."""
    if result is not None:
        return read_method(result.config)
    if not number.isdigit():
        raise _refused(
            "nothing says what this row trained before it was over", number, "one that is complete"
        )
    return configuration(sweep, task, trial.params)


def _spec(
    sweep: Sweep,
    home: Home,
    study: RecordedStudy,
    number: str,
    trial: FrozenTrial,
    methods: Sequence[Method],
) -> TrialSpec | JointTrialSpec:
    in_space = number.isdigit()
    baseline = trial.user_attrs.get(BASELINE, "") if in_space else baseline_of(number)
    parts = tuple(
        TrialSpec(
            home=str(home.path),
            task=task,
            number=number,
            baseline=baseline,
            params=trial.params if in_space else {},
            method=method,
            seeds=seeds_of(sweep, trial),
            eval_every=sweep.search.eval_every,
            threads=max(1, int(sweep.resources.cpus)),
            part_of=JOINT if study.key == JOINT else "",
        )
        for task, method in zip(study.tasks, methods, strict=True)
    )
    if study.key != JOINT:
        return parts[0]
    *starts, _ = accumulate((most_epochs(sweep, task) for task in study.tasks), initial=0)
    return JointTrialSpec(parts, tuple(starts))


def _refused(message: str, found: str, allowed: str) -> UserError:
    return UserError(Problem(message, "STUDY/NUMBER", found=found, allowed=allowed))
