"""What the best found and plain CoOp predicted for the same test images, side by side."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.report.page.contenders import BEST, PLAIN
from nemesis_sweep.report.predictions import Predictions, predictions_of

if TYPE_CHECKING:
    from nemesis_sweep.report.page.material import Material, TaskOfSweep

DRAWN = 12
"""Test sets of which there are pictures: a page has five megabytes in all."""


@dataclass(frozen=True, eq=False)
class Versus:
    """Two trials on a test set. label: of task and test set. won, lost: whether the first or the second alone
    has an image right in a replicate, of the same seed, ``(R, n)``. before: how many others have a label of
    the same plain letters, as names in other alphabets do."""

    label: str
    best: Predictions
    coop: Predictions
    before: int = 0

    @property
    def name(self) -> str:
        """The label as part of the name of a file."""
        name = "-".join(re.findall("[a-z0-9]+", self.label.lower()))
        return f"{name}-again-{self.before}" if self.before else name

    @property
    def classnames(self) -> tuple[str, ...]:
        """Of the labels and of what is predicted."""
        return self.best.images.classnames

    @property
    def labels(self) -> np.ndarray:
        """The true classes ``(n,)``."""
        return self.best.images.labels

    @cached_property
    def won(self) -> np.ndarray:
        found: np.ndarray = self.best.right & ~self.coop.right
        return found

    @cached_property
    def lost(self) -> np.ndarray:
        found: np.ndarray = self.coop.right & ~self.best.right
        return found

    @cached_property
    def counts(self) -> np.ndarray:
        """Test images of every class ``(C,)``."""
        return np.bincount(self.labels, minlength=len(self.classnames))


@dataclass(frozen=True)
class Mistakes:
    """All that can be compared image by image, and what cannot: label -> why."""

    found: Sequence[Versus]
    missing: Mapping[str, str]

    @property
    def drawn(self) -> list[Versus]:
        """Those of which there are pictures: of each test set that with the most shots, up to ``DRAWN``."""
        return list({each.best.images.name: each for each in self.found}.values())[:DRAWN]


def mistakes_of(material: Material) -> Mistakes:
    """Every task's best trial against plain CoOp on each of the task's test sets."""
    found: list[Versus] = []
    missing: dict[str, str] = {}
    for task in material.tasks:
        label = material.title(task)
        why, own = _why_not(task), list[Versus]()
        if not why:
            try:
                own = list(_of_task(task, label))
            except DamagedError as error:
                why = f"{os.path.relpath(error.file, task.sweep.home.path)} {error.reason.split(' (')[0]}"
        if not own:
            missing[label] = why or "there are no predictions of both in the home"
        found += own
    return Mistakes(list(told_apart(found)), missing)


def told_apart(found: Sequence[Versus]) -> Iterator[Versus]:
    """The same, with names for files of which no two are alike."""
    before: Counter[str] = Counter()
    for versus in found:
        yield replace(versus, before=before[versus.name])
        before[versus.name] += 1


def _why_not(task: TaskOfSweep) -> str:
    best, coop = task.contender(BEST), task.contender(PLAIN)
    if best is None or coop is None:
        return f"there is no {PLAIN if best else BEST}"
    return f"{PLAIN} is the best" if best.row.number == coop.row.number else ""


def _of_task(task: TaskOfSweep, label: str) -> Iterator[Versus]:
    home = task.sweep.home.path
    best, coop = (
        predictions_of(home, each.row)
        for method in (BEST, PLAIN)
        if (each := task.contender(method)) is not None
    )
    for metric, one in best.items():
        other = coop.get(metric)
        if other and one.seeds == other.seeds and one.images.name == other.images.name:
            part = metric.removeprefix("test/")
            yield Versus(f"{label}, {part}" if len(best) > 1 else label, one, other)
