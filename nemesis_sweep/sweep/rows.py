"""From a trial to its rows in `results.parquet`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.sweep import JOINT, MEAN, Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.control import baseline_of
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.objective_values import excesses
from nemesis_sweep.sweep.proposal import BASELINE, REASON, SECONDS
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

    def last_value(self, trial: FrozenTrial) -> tuple[int, float] | None: ...


def trial_rows(study: Recorded, number: str, trial: FrozenTrial, home: Path) -> list[dict[str, Any]]:
    """One row; for a joint trial one for each task that it finished, then one with the means over all."""
    folder = Home(home).trial(study.key, number)
    told = {
        "study": study.key,
        "number": number,
        "state": trial.state.name,
        "reason": trial.user_attrs.get(REASON, ""),
    }
    rows: list[dict[str, Any]] = []
    configs = []
    if study.key == JOINT:
        finished = [(task, read_result(folder / task.key)) for task in study.tasks]
        rows = [
            {**result, "task": task.key, **shared([task]), **told}
            for task, result in finished
            if result is not None
        ]
        configs = [row["config"] for row in rows]
    result = read_result(folder)
    if trial.state != TrialState.COMPLETE or result is None:
        result = _without_result(study, trial)
    else:
        found = _broken(study, configs or [result["config"]], result)
        rows = [{**row, "broken": found} for row in rows]
        result = {**result, "broken": found}
    task = MEAN if study.key == JOINT else study.key
    return [*rows, {**result, "task": task, **shared(study.tasks), **told}]


def _broken(study: Recorded, configs: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> list[str]:
    """The constraints that a complete trial breaks; a joint trial keeps one on all tasks or on none."""
    measured = {**result["metrics"], "seconds": result["seconds"]}
    found = excesses(study.sweep.search.conditions, configs, measured, result["baseline"])
    return [text for text, excess in found.items() if excess > 0]


def shared(tasks: Sequence[Task]) -> dict[str, Any]:
    """Dataset, shots, backbone and protocol, as far as the tasks have them in common."""
    names = ("dataset", "shots", "backbone", "protocol")
    values = {name: {getattr(task, name) for task in tasks} for name in names}
    return {name: value for name, (value, *others) in values.items() if not others}


def _without_result(study: Recorded, trial: FrozenTrial) -> dict[str, Any]:
    """What Optuna knows of a trial that left no result."""
    last = study.last_value(trial)
    return {
        "baseline": baseline_of(trial.user_attrs.get(BASELINE, "")),
        "params": trial.params,
        "seeds": list(study.sweep.tasks.seeds),
        "epochs": last[0] if last else 0,
        "metrics": {study.objective: last[1]} if last else {},
        "replicates": {},
        "seconds": trial.user_attrs.get(SECONDS, 0.0),
    }
