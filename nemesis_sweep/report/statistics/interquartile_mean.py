"""The interquartile mean: what is typical of the middle half of all replicates of all tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from nemesis_sweep.report.statistics.bootstrap import DRAWS, Counts
from nemesis_sweep.report.statistics.estimate import Estimate, estimated
from nemesis_sweep.report.statistics.strata import Floats, strata

CUT = 0.25


def interquartile_mean(tasks: Iterable[Sequence[float]], draws: int = DRAWS, seed: int = 0) -> Estimate:
    """Return the mean of the values that are left when the lowest and highest quarter are taken away.

    tasks: the gains of every replicate of every task. All N values are sorted together, int(N / 4) of them
    are cut at either end, as scipy.stats.trim_mean(values, 0.25) does. Agarwal et al. (NeurIPS 2021),
    section 4.3. Between tasks raw accuracies differ far more than methods do: give it gains.
    """
    sample = strata(tasks)
    order = np.argsort(sample.values, kind="stable")
    ascending = sample.values[order]
    return estimated(sample, lambda counts: _trimmed_means(ascending, counts[:, order]), draws, seed)


def _trimmed_means(ascending: Floats, counts: Counts) -> Floats:
    """The trimmed mean of every resample (D,), each given by how often (D, N) it has every value."""
    total = len(ascending)
    cut = int(CUT * total)
    # How many of a value's copies are left is how far its places in the sorted resample reach inward.
    reached = np.clip(np.cumsum(counts, axis=1), cut, total - cut)
    left = np.diff(reached, axis=1, prepend=cut)
    return np.asarray(left @ ascending / (total - 2 * cut))
