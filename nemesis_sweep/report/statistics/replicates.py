"""A metric over the replicates of one trial."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A metric over replicates: mean, sample standard deviation (None for one replicate), their number."""

    mean: float
    std: float | None
    n: int


def score(values: Sequence[float]) -> Score:
    """Return mean and sample standard deviation (divisor n - 1) of at least one value."""
    std = statistics.stdev(values) if len(values) > 1 and all(map(math.isfinite, values)) else None
    return Score(math.fsum(values) / len(values), std, len(values))


def rounded(value: float) -> float:
    """Return the value with one decimal and without the sign of a negative zero, ready to be formatted."""
    return round(value, 1) + 0.0
