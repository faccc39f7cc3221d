"""A statistic over tasks with its bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.statistics.bootstrap import DRAWS, Counts, bootstrapped, percentile_interval
from nemesis_sweep.report.statistics.strata import Floats, SampleSize, Strata

NOTHING = "no values"


@dataclass(frozen=True)
class Estimate:
    """A statistic and its 95 % percentile interval of a stratified bootstrap.

    value: None where there are no values. low, high: None where no task has two replicates, since nothing
    can be drawn then. why: what is missing, or why the interval is too narrow, in words; else ''.
    """

    value: float | None
    low: float | None
    high: float | None
    n: SampleSize
    why: str = ""


def estimated(
    sample: Strata, statistic: Callable[[Counts], Floats], draws: int = DRAWS, seed: int = 0
) -> Estimate:
    """Return a statistic of a sample with its interval.

    statistic: of counts (D, N) to (D,); each row says how often every value of the sample counts. The sample
    itself is the row in which each counts once.
    """
    n = sample.n
    if not n.tasks:
        return Estimate(None, None, None, n, NOTHING)
    value = float(statistic(np.ones((1, n.values)))[0])
    why = unvaried(sum(size == 1 for size in sample.sizes), n.tasks)
    if n.most == 1:
        return Estimate(value, None, None, n, why)
    low, high = percentile_interval(bootstrapped(sample.sizes, statistic, draws, seed))
    return Estimate(value, float(low), float(high), n, why)


def unvaried(single: int, tasks: int) -> str:
    """Say what the bootstrap cannot vary; '' where it varies all. single: the tasks with one replicate."""
    if not single:
        return ""
    if single == tasks:
        return "no interval: one replicate a task"
    return f"interval too narrow: one replicate on {single} of {counted(tasks, 'task')}"
