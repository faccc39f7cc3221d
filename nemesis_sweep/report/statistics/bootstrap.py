"""The stratified bootstrap: replicates are drawn again inside each task, the tasks stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from nemesis_sweep.report.statistics.gain import CONFIDENCE
from nemesis_sweep.report.statistics.strata import Floats

DRAWS = 5000
BLOCK = 2_000_000
"""Counts that are in memory at once, 16 MB of them."""
DECIMALS = 9
"""Accuracies that agree to so many decimals are equal: their difference is an error of rounding."""

Counts = Floats
"""How often each value was drawn: whole numbers, kept as floats since they are multiplied with such."""


def drawn_counts(sizes: Sequence[int], draws: int, seed: int) -> Iterator[Counts]:
    """Draw replicates with replacement inside every task and tell how often each of them was drawn.

    sizes: how many values each task has. Yields blocks (D, N) of in all `draws` rows; N is the sum of the
    sizes, and each row has `sizes[t]` draws in the columns of task t. The same seed gives the same draws.
    """
    generator = np.random.default_rng(seed)
    rows = max(1, BLOCK // max(1, sum(sizes)))
    for start in range(0, draws, rows):
        block = min(rows, draws - start)
        yield np.concatenate([_counts(size, block, generator) for size in sizes], axis=1)


def _counts(size: int, draws: int, generator: np.random.Generator) -> Counts:
    places = generator.integers(size, size=(draws, size)) + size * np.arange(draws)[:, None]
    counts = np.bincount(places.ravel(), minlength=draws * size)
    return counts.reshape(draws, size).astype(np.float64)


def bootstrapped(
    sizes: Sequence[int], statistic: Callable[[Counts], Floats], draws: int = DRAWS, seed: int = 0
) -> Floats:
    """Return a statistic of every resample, (draws, ...).

    statistic: of a block of counts (D, N), see `drawn_counts`, to (D, ...). The recipe is that of Agarwal et
    al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (NeurIPS 2021), section 4.
    """
    return np.concatenate([statistic(counts) for counts in drawn_counts(sizes, draws, seed)])


def percentile_interval(resamples: Floats, confidence: float = CONFIDENCE) -> tuple[Floats, Floats]:
    """Return the percentiles that leave out the same share of the resamples (draws, ...) on either side."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(resamples, [tail, 1 - tail], axis=0)
    return low, high
