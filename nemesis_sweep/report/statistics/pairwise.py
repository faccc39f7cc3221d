"""Methods compared two by two over the tasks that both have: Wilcoxon's test, corrected by Holm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from nemesis_sweep.report.statistics.holm import holm
from nemesis_sweep.report.statistics.signed_rank import SignedRank, signed_rank

TaskMeans = Mapping[str, Mapping[str, float]]
"""Method -> task -> mean over its replicates; a task that a method lacks is not there."""
ALPHA = 0.05


@dataclass(frozen=True)
class Comparison:
    """One method against another. adjusted: p after Holm's correction, None where the test has none."""

    ours: str
    theirs: str
    test: SignedRank
    adjusted: float | None

    @property
    def told_apart(self) -> bool:
        """Whether the test finds a difference at 5 %."""
        return self.adjusted is not None and self.adjusted < ALPHA


def all_pairs(means: TaskMeans) -> list[Comparison]:
    """Compare every two methods; K methods are K (K - 1) / 2 comparisons for the correction."""
    return compared(means, list(combinations(means, 2)))


def compared(means: TaskMeans, pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
    """Compare pairs of methods, each over the tasks that both have; Holm corrects for all of them."""
    tests = [
        signed_rank(
            value - means[theirs][task] for task, value in means[ours].items() if task in means[theirs]
        )
        for ours, theirs in pairs
    ]
    adjusted = holm([test.p for test in tests])
    return [
        Comparison(ours, theirs, test, p)
        for (ours, theirs), test, p in zip(pairs, tests, adjusted, strict=True)
    ]
