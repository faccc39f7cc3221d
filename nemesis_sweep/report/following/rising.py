"""Whether validation still rises when the best trials end, so that more epochs may do more."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nemesis_sweep.report.statistics import score
from nemesis_sweep.report.statistics.gain import student_t

BEST = 5
"""The best trials of a task, by whose curves it is judged."""
POINTS = 5
"""Measurements of a trial from which its curve is judged."""
LEAST = 0.25
"""Percent points that the second half of a trial has to gain before more epochs are proposed."""


@dataclass(frozen=True)
class Rise:
    """The mean gain of the best ``trials`` over the second half of their epochs, and its lower bound."""

    gain: float
    low: float
    trials: int


def still_rising(curves: Sequence[Mapping[int, float]], sign: int = 1) -> Rise | None:
    """Whether the best trials of a task still improve at the end; None where they do not, or nobody knows.

    curves: of the best trials, epoch -> objective. sign: 1 where more is better. The last measurement chose
    these trials, so it is too good on average and left out. A line is fitted to what was measured before it
    in the second half of the epochs; told is a mean rise whose one-sided 97.5 % bound (Student's t over the
    trials) is above 0.
    """
    gains = [gain for curve in curves[:BEST] if (gain := _gain(curve)) is not None]
    if len(gains) < 3:
        return None
    found = score([sign * gain for gain in gains])
    low = found.mean - student_t(found.n - 1) * (found.std or 0.0) / math.sqrt(found.n)
    return Rise(found.mean, low, found.n) if found.mean >= LEAST and low > 0 else None


def _gain(curve: Mapping[int, float]) -> float | None:
    """What a line through the second half, without the last measurement, gains from its first to its last."""
    epochs = sorted(curve)
    if len(epochs) < POINTS:
        return None
    second = [epoch for epoch in epochs[:-1] if epoch >= epochs[-1] / 2]
    if len(second) < 2:
        return None
    slope = np.polyfit(second, [curve[epoch] for epoch in second], 1)[0]
    return float(slope) * (second[-1] - second[0])
