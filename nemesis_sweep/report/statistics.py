"""Means over replicates and what can be said about their noise."""

from __future__ import annotations

import importlib
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Score:
    """A metric over replicates: mean, sample standard deviation (None for one replicate), their number."""

    mean: float
    std: float | None
    n: int


@dataclass(frozen=True)
class Gain:
    """A mean difference over paired replicates and its 95 % confidence interval (None where n is 1)."""

    mean: float
    low: float | None
    high: float | None
    n: int

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval is known and leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def rounded(value: float) -> float:
    """Return the value with one decimal and without the sign of a negative zero, ready to be formatted."""
    return round(value, 1) + 0.0


def score(values: Sequence[float]) -> Score:
    """Return mean and sample standard deviation (divisor n - 1) of at least one value."""
    std = statistics.stdev(values) if len(values) > 1 and all(map(math.isfinite, values)) else None
    return Score(math.fsum(values) / len(values), std, len(values))


def student_t(degrees: int, confidence: float = CONFIDENCE) -> float:
    """Return the two-sided quantile of Student's t: 4.303 for 2 degrees of freedom and 95 %."""
    # By name: SciPy ships no type information.
    special = importlib.import_module("scipy.special")
    return float(special.stdtrit(degrees, (1 + confidence) / 2))


def paired_gain(ours: Sequence[float], theirs: Sequence[float]) -> Gain:
    """Return the mean of ours[r] - theirs[r] with mean +- t * std / sqrt(n) over the n replicates.

    Raises ValueError if the two are not of one length of at least 1.
    """
    if not ours or len(ours) != len(theirs):
        raise ValueError(
            f"paired values must have one length of at least 1 but got {len(ours)} and {len(theirs)}"
        )
    difference = score([a - b for a, b in zip(ours, theirs, strict=True)])
    if difference.std is None:
        return Gain(difference.mean, None, None, difference.n)
    margin = student_t(difference.n - 1) * difference.std / math.sqrt(difference.n)
    return Gain(difference.mean, difference.mean - margin, difference.mean + margin, difference.n)
