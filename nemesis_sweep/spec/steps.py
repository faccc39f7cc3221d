"""Ranges in steps: how many there are, and which values they lead to."""

from __future__ import annotations

from decimal import Decimal

from nemesis_sweep.spec.dimensions import TOLERANCE, FloatRange, IntRange

MOST = 1_000_000
"""Steps that binary fractions tell apart by `TOLERANCE`; with more of them a range is as good as without."""


def steps(dimension: FloatRange | IntRange) -> int:
    """Return how many steps lead from the lowest to the highest value of a finite range."""
    low, high = dimension.bounds
    if isinstance(dimension, IntRange):
        return (dimension.high - dimension.low) // dimension.step
    return _whole(quotient(low, high, dimension.step or 1))


def value_at(dimension: FloatRange | IntRange, count: int) -> float:
    """Return the value `count` steps above the lowest; the high itself where the last step ends there."""
    low, high = dimension.bounds
    step = dimension.step or 1
    value = stepped(low, step, count)
    rounded = count > 0 and isinstance(dimension, FloatRange) and abs(value - high) < TOLERANCE * step
    return high if rounded else value


def stepped(low: float, step: float, count: int) -> float:
    """Return `low + count * step` without the rounding of binary fractions; whole numbers stay whole."""
    if isinstance(low, int) and isinstance(step, int):
        return low + count * step
    return float(Decimal(str(low)) + count * Decimal(str(step)))


def snapped(dimension: FloatRange, value: float) -> float:
    """Return the value of a range that is nearest to `value`; itself where there are no steps."""
    if dimension.step is None:
        return value
    count = quotient(dimension.low, value, dimension.step)
    return value_at(dimension, min(max(0, round(count)), steps(dimension)))


def is_exact(dimension: FloatRange) -> bool:
    """Tell whether the steps end at the high by the decimals of the three numbers as they are written.

    Rounding keeps many from it that do divide, such as pi/4 to 15 pi/4 by pi/2; Optuna takes no others.
    """
    return dimension.step is None or quotient(dimension.low, dimension.high, dimension.step) % 1 == 0


def quotient(low: float, high: float, step: float) -> Decimal:
    """Return how often `step` goes into the range, by the decimals of the numbers as they are written."""
    return (Decimal(str(high)) - Decimal(str(low))) / Decimal(str(step))


def _whole(quotient: Decimal) -> int:
    nearest = round(quotient)
    return nearest if abs(quotient - nearest) < TOLERANCE else int(quotient)
