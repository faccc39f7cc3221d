"""Ranges in steps: how many there are, which values they lead to, and whether they reach the end."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from nemesis_sweep.messages.faults import Fault, shown
from nemesis_sweep.spec.dimensions import TOLERANCE, Choice, FloatRange, IntRange

if TYPE_CHECKING:
    from nemesis_sweep.spec.cross_section import CrossSection

MOST = 1_000_000
"""Steps that binary fractions tell apart by `TOLERANCE`; with more of them a range is as good as without."""


def steps(dimension: FloatRange | IntRange) -> int:
    """Return how many steps lead from the lowest to the highest value of a finite range."""
    low, high = dimension.bounds
    if isinstance(dimension, IntRange):
        return (dimension.high - dimension.low) // dimension.step
    return _whole(_quotient(low, high, dimension.step or 1))


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
    count = _quotient(dimension.low, value, dimension.step)
    return value_at(dimension, min(max(0, round(count)), steps(dimension)))


def is_exact(dimension: FloatRange) -> bool:
    """Tell whether the steps end at the high by the decimals of the three numbers as they are written.

    Rounding keeps many from it that do divide, such as pi/4 to 15 pi/4 by pi/2; Optuna takes no others.
    """
    return dimension.step is None or _quotient(dimension.low, dimension.high, dimension.step) % 1 == 0


def step_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield the steps that do not lead to the high, which would never be tried, and steps without number."""
    for place in parts.places:
        dimension = place.dimension
        if isinstance(dimension, Choice) or dimension.step is None or place.name in parts.unsure:
            continue
        path, high = (*place.path, "step"), dimension.bounds[1]
        count = steps(dimension)
        if isinstance(dimension, FloatRange) and count > MOST:
            message = f"the step is so small that the range has more than {MOST} values"
            related = ((*place.path, "low"), (*place.path, "high"))
            yield Fault(path, message, shown(dimension.step), "a larger step, or none", related=related)
            continue
        last = value_at(dimension, count)
        if last == high:
            continue
        message = f"the steps do not lead to high ({shown(high)}): the last value would be {shown(last)}"
        # Nothing above the high: whether the method and the backbone take it is not known here.
        fitting = " or ".join(map(shown, _fitting_steps(dimension, count)))
        ways = [f"high: {shown(last)}"] * (count > 0) + [f"step: {fitting}"] * bool(fitting)
        allowed = ", or ".join(ways) or "no step"
        yield Fault(path, message, shown(dimension.step), allowed, related=((*place.path, "high"),))


def _fitting_steps(dimension: FloatRange | IntRange, count: int) -> list[float]:
    """Return the nearest steps that would do, as far as a few digits hold them."""
    low, high = dimension.bounds
    found = []
    for number in (count + 1, count):
        if number < 1:
            continue
        step = float(f"{(high - low) / number:.6g}")
        whole = isinstance(dimension, FloatRange) or step.is_integer()
        if whole and step > 0 and abs(_quotient(low, high, step) - number) < TOLERANCE:
            found.append(step if isinstance(dimension, FloatRange) else int(step))
    return found


def _quotient(low: float, high: float, step: float) -> Decimal:
    return (Decimal(str(high)) - Decimal(str(low))) / Decimal(str(step))


def _whole(quotient: Decimal) -> int:
    nearest = round(quotient)
    return nearest if abs(quotient - nearest) < TOLERANCE else int(quotient)
