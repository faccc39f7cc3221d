"""The best trial of every study for MLflow: its setting, the images that chose it, and those that did not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from nemesis_sweep.files.sealed import DamagedError, read_sealed
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.logged import applying
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.tracking.models import CHOSEN, NEVER, NamedData, Winner

DIGITS = 16


def winner_of(home: Home, study: str, tasks: Sequence[Task], row: Row) -> Winner:
    """The best trial of a study, by its row; a joint one is measured on the data of all of its tasks.

    Of a task whose record of episodes is damaged it is not known which images they are.
    """
    several = len(tasks) > 1
    data = [each for task in tasks for each in _data(home, task, f"{task.key}/" if several else "")]
    config = {**applying(row.baseline, row.config or {}), **row.params}
    return Winner(f"{study}/{row.number}", study, config, tuple(data))


def _data(home: Home, task: Task, mark: str) -> list[NamedData]:
    try:
        record = read_sealed(home.path / "episodes" / f"{task.key}.json")
        chosen = {seed: each["val"] for seed, each in record["episodes"].items()}
        images = record["images"]["test"]
        tested = [record["fingerprint"], record.get("skipped", {}), task.targets]
    except (DamagedError, KeyError, TypeError, AttributeError):
        return []
    source = f"episodes/{task.key}.json"
    count = len({image for images in chosen.values() for image in images})
    names = [f"{mark}{name}" for name in ("val/accuracy", "val/loss")]
    test = (f"{mark}test/accuracy",)
    return [
        NamedData(f"{task.key} validation", _digest(chosen), CHOSEN, count, source, tuple(names)),
        NamedData(f"{task.key} test", _digest(tested), NEVER, images, source, test),
    ]


def _digest(content: Mapping[str, Any] | Sequence[Any]) -> str:
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:DIGITS]
