"""The performance profile: on which share of all runs a method gains more than x."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nemesis_sweep.report.statistics.bootstrap import DECIMALS, DRAWS, bootstrapped, percentile_interval
from nemesis_sweep.report.statistics.estimate import NOTHING, unvaried
from nemesis_sweep.report.statistics.strata import Floats, SampleSize, strata


@dataclass(frozen=True)
class Profile:
    """The share of task-replicates above every x of a grid, with its 95 % bootstrap band, x by x.

    grid, share, low, high: (G,); share is None without values, low and high also where no task has two
    replicates. why: what is missing, in words; else ''.
    """

    grid: Floats
    share: Floats | None
    low: Floats | None
    high: Floats | None
    n: SampleSize
    why: str = ""


def performance_profile(
    tasks: Iterable[Sequence[float]], grid: Sequence[float] | Floats, draws: int = DRAWS, seed: int = 0
) -> Profile:
    """Return the share of gains above x for every x of the grid.

    tasks: the gains of every replicate of every task; all count alike. The share falls from 1 to 0; where the
    profile of one method lies above another's everywhere, its gains are larger throughout. Profiles are those
    of Dolan and Moré (2002), in the form of Agarwal et al. (NeurIPS 2021), section 4.2: over scores of single
    runs, with a band of a stratified bootstrap.
    """
    sample = strata(tasks)
    places = np.asarray(grid, dtype=np.float64)
    n = sample.n
    if not n.tasks:
        return Profile(places, None, None, None, n, NOTHING)
    above = (np.round(sample.values[:, None] - places, DECIMALS) > 0).astype(np.float64)
    share = above.mean(axis=0)
    why = unvaried(sum(size == 1 for size in sample.sizes), n.tasks)
    if n.most == 1:
        return Profile(places, share, None, None, n, why)
    resamples = bootstrapped(sample.sizes, lambda counts: counts @ above / n.values, draws, seed)
    return Profile(places, share, *percentile_interval(resamples), n, why)
