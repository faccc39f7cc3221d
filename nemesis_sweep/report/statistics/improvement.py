"""Probability of improvement: how likely a run of one method beats a run of the other on the same task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from nemesis_sweep.report.statistics.bootstrap import DECIMALS, DRAWS, Counts
from nemesis_sweep.report.statistics.estimate import Estimate, estimated, unvaried
from nemesis_sweep.report.statistics.strata import Floats, strata


def probability_of_improvement(
    tasks: Iterable[tuple[Sequence[float], Sequence[float]]], draws: int = DRAWS, seed: int = 0
) -> Estimate:
    """Return the share of pairs (ours, theirs) of a task in which ours is higher, averaged over tasks.

    tasks: the scores of ours and of theirs, as many as there are of either; a task that lacks one is left
    out. Ties count one half, so 0.5 is no difference: the statistic of Mann and Whitney divided by the number
    of pairs; Agarwal et al. (NeurIPS 2021), section 4.3. The interval draws ours and theirs apart, as they
    do; where both share their seeds it is wider than need be.
    """
    given = [(strata([ours]), strata([theirs])) for ours, theirs in tasks]
    pairs = [(ours.values, theirs.values) for ours, theirs in given if ours.sizes and theirs.sizes]
    both = strata(values for pair in pairs for values in pair)
    told = estimated(both, lambda counts: _shares(pairs, counts), draws, seed)
    n = replace(
        strata(ours for ours, _ in pairs).n,
        left_out=sum(ours.left_out + theirs.left_out for ours, theirs in given),
    )
    if not pairs:
        return replace(told, n=n)
    # What does not learn has one score that no seed changes: it is varied enough by the other's.
    single = sum(len(ours) == len(theirs) == 1 for ours, theirs in pairs)
    return replace(told, n=n, why=unvaried(single, len(pairs)))


def _shares(pairs: Sequence[tuple[Floats, Floats]], counts: Counts) -> Floats:
    """The probability of every resample (D,); counts: (D, N) of ours, then theirs, task by task."""
    total, place = np.zeros(len(counts)), 0
    for ours, theirs in pairs:
        middle, end = place + len(ours), place + len(ours) + len(theirs)
        wins = (np.sign(np.round(ours[:, None] - theirs, DECIMALS)) + 1) / 2
        won = ((counts[:, place:middle] @ wins) * counts[:, middle:end]).sum(axis=1)
        total += won / wins.size
        place = end
    return total / len(pairs)
