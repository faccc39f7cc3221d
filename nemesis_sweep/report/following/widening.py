"""A wider range for the next sweep: by half of what it was, beyond the edge where the best trials crowd."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, get_args

from nemesis_sweep.report.following.edges import LOW, numbers_of
from nemesis_sweep.spec.dimensions import Choice, Dimension, FloatRange, IntRange
from nemesis_sweep.spec.method import Method

MEANT = {"corruption": (0.0, 1.0)}
"""Bounds that a field means, where it takes more: 1 leaves a vector as it is."""


def widened(name: str, dimension: Dimension, side: str, method: type[Method] = Method) -> Dimension | None:
    """The dimension with a further end on one side, None where it ends where the field does.

    method: whose field it is.
    """
    low, high = bounds_of(name, method)
    if isinstance(dimension, Choice):
        return _with_another(dimension, side, low, high)
    end = dimension.low if side == LOW else dimension.high
    found = _further(dimension, side)
    # Towards a bound that is not to be reached only half of the way.
    found = max(found, low[0] if low[1] else (low[0] + end) / 2) if side == LOW else found
    found = min(found, high[0] if high[1] else (high[0] + end) / 2) if side != LOW else found
    if isinstance(dimension, IntRange):
        steps = math.floor(abs(found - end) / dimension.step)
        found = end + (-1 if side == LOW else 1) * steps * dimension.step
    if math.isclose(found, end) or (dimension.log and found <= 0):
        return None
    return dimension.model_copy(update={side: found})


def bounds_of(name: str, method: type[Method] = Method) -> tuple[tuple[float, bool], tuple[float, bool]]:
    """The least and the greatest value of a field, and whether it may be reached."""
    low, high = (-math.inf, True), (math.inf, True)
    field = method.model_fields[name]
    for mark in (*field.metadata, *_marks(field.annotation)):
        for name_of_bound, reached in (("ge", True), ("gt", False)):
            if (bound := getattr(mark, name_of_bound, None)) is not None:
                low = (float(bound), reached)
        for name_of_bound, reached in (("le", True), ("lt", False)):
            if (bound := getattr(mark, name_of_bound, None)) is not None:
                high = (float(bound), reached)
    least, most = MEANT.get(name, (-math.inf, math.inf))
    return max(low, (least, True)), min(high, (most, True))


def _marks(annotation: Any) -> Iterator[Any]:
    """What is written beside the types within an annotation."""
    for member in (annotation, *get_args(annotation)):
        for mark in getattr(member, "__metadata__", ()):
            yield from getattr(mark, "metadata", ()) or (mark,)


def _further(dimension: FloatRange | IntRange, side: str) -> float:
    """The end half of the range further away; logarithmic where the range is; on the grid of a step."""
    if dimension.log:
        factor = math.sqrt(dimension.high / dimension.low)
        return round_number(dimension.low / factor if side == LOW else dimension.high * factor)
    width = (dimension.high - dimension.low) / 2
    step = dimension.step or 10.0 ** (math.floor(math.log10(width)) - 1)
    width = max(1, round(width / step)) * step
    found = dimension.low - width if side == LOW else dimension.high + width
    return found if isinstance(dimension, IntRange) else float(f"{found:.9g}")


def round_number(value: float) -> float:
    """A number with one digit, which stands for it on a logarithmic scale."""
    return float(f"{value:.0e}")


def _with_another(
    dimension: Choice, side: str, low: tuple[float, bool], high: tuple[float, bool]
) -> Choice | None:
    """The choices with one more, that continues their series."""
    numbers = numbers_of(dimension)
    first, second = (numbers[0], numbers[1]) if side == LOW else (numbers[-1], numbers[-2])
    found = first * first / second if first > 0 and second > 0 else first + (first - second)
    if all(isinstance(each, int) for each in numbers):
        found = round(found)
    inside = low[0] <= found <= high[0] and (low[1] or found > low[0]) and (high[1] or found < high[0])
    if not inside or found in numbers:
        return None
    choices = [found, *dimension.choices] if side == LOW else [*dimension.choices, found]
    return Choice(choices=choices, opens=[{} for _ in choices])
