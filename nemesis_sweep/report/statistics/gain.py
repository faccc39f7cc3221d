"""The gain of one trial over another on the same seeds, and its noise."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from nemesis_sweep.report.statistics.replicates import score

CONFIDENCE = 0.95


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
