"""The bootstrap over test images: what would have been seen on other images of the same kind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nemesis_sweep.report.statistics.bootstrap import drawn_counts
from nemesis_sweep.report.statistics.strata import Floats

DRAWS = 1000


def resampled_means(values: np.ndarray, draws: int = DRAWS, seed: int = 0) -> Iterator[Floats]:
    """Yield means over the last axis of values (..., n), which are numbers of n images, in blocks (D, ...),
    in all `draws` rows, each over n images drawn with replacement, the same for all values.

    Efron, "Bootstrap Methods" (Annals of Statistics 7, 1979). The same seed gives the same draws.
    """
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64).T
    for counts in drawn_counts([values.shape[-1]], draws, seed):
        yield (counts @ flat / values.shape[-1]).reshape(-1, *values.shape[:-1])
