"""Wilcoxon's signed rank test over tasks: is one method better than another on most of them?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nemesis_sweep.report.statistics.bootstrap import DECIMALS
from nemesis_sweep.report.statistics.mean_ranks import mean_ranks
from nemesis_sweep.report.statistics.strata import Floats

FEWEST_TASKS = 6
"""With 5 tasks the smallest two-sided p is 2 / 2^5 = 0.0625: no result could be significant."""
EXACT = 50
"""The most differences of which the distribution of the statistic is computed instead of approximated."""
TOO_FEW = "too few tasks"


@dataclass(frozen=True)
class SignedRank:
    """A two-sided signed rank test.

    p: None where `why` says why not. statistic: the smaller of the two sums of ranks. n: the tasks on which
    both were measured. zeros: those of them without a difference, which say nothing and are not ranked.
    """

    p: float | None
    statistic: float | None
    n: int
    zeros: int = 0
    why: str = ""


def signed_rank(differences: Iterable[float]) -> SignedRank:
    """Test whether the differences of two methods, one of each task, lie symmetrically around zero.

    Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1 (1945): differences of zero
    are left out, equal ones share the mean of their ranks. Up to 50 differences p is exact, with ties, too;
    above that it is the usual normal approximation. What is not finite counts as not measured.
    """
    measured = np.array([value for value in differences if np.isfinite(value)], dtype=np.float64)
    rounded = np.round(measured, DECIMALS)
    ranked = rounded[rounded != 0]
    n, zeros = len(rounded), len(rounded) - len(ranked)
    if len(ranked) < FEWEST_TASKS:
        return SignedRank(None, None, n, zeros, _too_few(n, zeros))
    ranks = mean_ranks(np.abs(ranked))
    statistic = float(min(ranks[ranked > 0].sum(), ranks[ranked < 0].sum()))
    p = _exact_p(ranks, statistic) if len(ranked) <= EXACT else _approximate_p(ranked)
    return SignedRank(p, statistic, n, zeros)


def _too_few(n: int, zeros: int) -> str:
    if n < FEWEST_TASKS:
        return f"{TOO_FEW} ({n} of at least {FEWEST_TASKS})"
    return f"{TOO_FEW} with a difference ({n - zeros} of at least {FEWEST_TASKS}; {zeros} without)"


def _approximate_p(ranked: Floats) -> float:
    from scipy import stats  # A second of start-up that few reports need.

    return float(stats.wilcoxon(ranked).pvalue)


def _exact_p(ranks: NDArray[Any], statistic: float) -> float:
    """The share of the 2^n signings of the ranks in which the smaller sum is at most the statistic.

    The shift algorithm of Streitberg and Röhmel, "Exact distributions for permutation and rank tests",
    Statistical Software Newsletter 12 (1986): the sums are counted rank after rank. Mean ranks are halves.
    """
    doubled = np.rint(2 * ranks).astype(np.int64)
    ways: Floats = np.zeros(int(doubled.sum()) + 1)
    ways[0] = 1
    for rank in doubled:
        ways[rank:] += ways[:-rank].copy()
    below = ways[: round(2 * statistic) + 1].sum()
    return min(1.0, float(2 * below / 2.0 ** len(ranks)))
