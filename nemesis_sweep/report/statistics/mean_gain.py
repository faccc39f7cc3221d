"""The mean over tasks of the mean gain of each task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from nemesis_sweep.report.statistics.bootstrap import DRAWS
from nemesis_sweep.report.statistics.estimate import Estimate, estimated
from nemesis_sweep.report.statistics.strata import strata


def mean_gain(tasks: Iterable[Sequence[float]], draws: int = DRAWS, seed: int = 0) -> Estimate:
    """Return the average that papers print under their tables: every task counts the same.

    tasks: the gains of every replicate of every task. A task with more replicates than another has no more
    weight. The interval is of these replicates on these tasks: it says nothing of other tasks.
    """
    sample = strata(tasks)
    weighted = sample.values * sample.weights
    return estimated(sample, lambda counts: np.asarray(counts @ weighted), draws, seed)
