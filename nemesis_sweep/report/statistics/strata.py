"""Replicates by task: what a stratified bootstrap resamples, and how many there are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nemesis_sweep.messages.counting import counted

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SampleSize:
    """How many numbers a statistic is made of.

    tasks: those with at least one value. values: over all tasks; of a task at least `fewest` and at most
    `most`. left_out: values that were no finite numbers, of replicates that failed.
    """

    tasks: int
    values: int
    fewest: int
    most: int
    left_out: int = 0

    def __str__(self) -> str:
        """`5 tasks x 3 replicates`, `5 tasks x 2 to 3 replicates (1 failed replicate left out)`."""
        per_task = counted(self.most, "replicate")
        if self.fewest < self.most:
            per_task = f"{self.fewest} to {per_task}"
        told = f"{counted(self.tasks, 'task')} x {per_task}"
        failed = counted(self.left_out, "failed replicate")
        return f"{told} ({failed} left out)" if self.left_out else told


@dataclass(frozen=True)
class Strata:
    """The finite values of every task, one task after the other.

    values: (N,). sizes: (T,), how many of them each task has, none of them 0. left_out: how many values were
    not finite; a task that has no others is no task of these.
    """

    values: Floats
    sizes: tuple[int, ...]
    left_out: int = 0

    @property
    def n(self) -> SampleSize:
        """How many there are."""
        return SampleSize(
            tasks=len(self.sizes),
            values=len(self.values),
            fewest=min(self.sizes, default=0),
            most=max(self.sizes, default=0),
            left_out=self.left_out,
        )

    @property
    def weights(self) -> Floats:
        """The weight of every value in the mean of the tasks' means, (N,); their sum is 1."""
        return np.array([1 / (len(self.sizes) * size) for size in self.sizes for _ in range(size)])

    def means(self) -> Floats:
        """The mean of every task, (T,)."""
        return np.array([part.mean() for part in self.parts()])

    def parts(self) -> list[Floats]:
        """The values of every task."""
        return np.split(self.values, np.cumsum(self.sizes)[:-1]) if self.sizes else []


def strata(tasks: Iterable[Sequence[float] | Floats]) -> Strata:
    """Gather the values of every task, as many as it has, in their order."""
    given = list(tasks)
    finite = [[float(value) for value in values if math.isfinite(value)] for values in given]
    kept = [values for values in finite if values]
    return Strata(
        values=np.array([value for values in kept for value in values], dtype=np.float64),
        sizes=tuple(map(len, kept)),
        left_out=sum(map(len, given)) - sum(map(len, kept)),
    )
