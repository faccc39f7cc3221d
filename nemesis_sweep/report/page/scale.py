"""A searched dimension as an axis: every value has a place from 0 to 1, logarithmic where the range is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nemesis_sweep.spec.dimensions import Choice, Dimension, IntRange, Scalar, Space
from nemesis_sweep.spec.space import places

APART = 0.14
"""How far left of a logarithmic range a value of 0 stands, which has no logarithm."""
TICKS = 4
LONGEST = 12


@dataclass(frozen=True)
class Scale:
    """The axis of one dimension.

    choices: of a dimension that has nothing else, numbers by size; else none. zero: whether a value of 0
    stands left of a logarithmic range. whole: whether it has whole numbers only.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    whole: bool = False
    zero: bool = False
    choices: Sequence[Scalar] = field(default=())

    @property
    def ends(self) -> tuple[float, float]:
        """The first and the last place that a value can have."""
        return (-APART if self.zero else 0.0), 1.0

    def place(self, value: Any) -> float | None:
        """Where a value stands, None for one that the dimension does not have."""
        if self.choices:
            if value not in self.choices:
                return None
            return (list(self.choices).index(value) + 0.5) / len(self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if self.log and value <= 0:
            return -APART if self.zero else None
        if self.low == self.high:
            return 0.5
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def aside(self, number: int, share: float = 0.5) -> float:
        """How far aside of the middle of its choice a trial stands, so that equal ones do not hide one
        another; within so much of a choice's room."""
        return (number * 0.618034 % 1 - 0.5) * share / len(self.choices) if self.choices else 0.0

    def ticks(self) -> list[tuple[float, str]]:
        """Places with what is written at them."""
        if self.choices:
            values: Sequence[Any] = self.choices
        else:
            values = [*([0.0] if self.zero else []), *_round_numbers(self)]
        placed = [(self.place(value), tick_text(value)) for value in values]
        return [(place, text) for place, text in placed if place is not None]


def scales_of(space: Space) -> dict[str, Scale]:
    """The axes of all dimensions of a space that leave a choice; one that stands in several places has room
    for all of them."""
    by_name: dict[str, list[Dimension]] = {}
    for each in places(space):
        by_name.setdefault(each.name, []).append(each.dimension)
    found = {name: _scale(name, dimensions) for name, dimensions in by_name.items()}
    return {
        name: scale for name, scale in found.items() if len(scale.choices) != 1 and scale.low < scale.high
    }


def numeric_scale(name: str, values: Sequence[float], log: bool = True) -> Scale:
    """The axis of numbers of at least 0; logarithmic with 0 beside it, unless that is not wanted."""
    above = [value for value in values if value > 0]
    if not log or not above:
        return Scale(name, min(values), max(values))
    low, high = min(above), max(above)
    if low == high:
        low, high = low / 2, high * 2
    return Scale(name, low, high, log=True, zero=len(above) < len(values))


def tick_text(value: Any) -> str:
    """A value in as few letters as tell it: `0.001`, `1e-5`, `logistic`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = str(value)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    text = f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    short = f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    return short if len(text) > 5 and math.isclose(float(short), value, rel_tol=1e-9) else text


def _scale(name: str, dimensions: Sequence[Dimension]) -> Scale:
    ranges = [each for each in dimensions if not isinstance(each, Choice)]
    choices = [value for each in dimensions if isinstance(each, Choice) for value in each.choices]
    numbers = [value for value in choices if isinstance(value, int | float) and not isinstance(value, bool)]
    if not ranges:
        known = dict.fromkeys(sorted(numbers) if len(numbers) == len(choices) else choices)
        return Scale(name, choices=tuple(known))
    bounds = [*numbers, *(bound for each in ranges for bound in each.bounds)]
    log = all(each.log for each in ranges)
    above = [bound for bound in bounds if not log or bound > 0]
    whole = all(isinstance(each, IntRange) for each in ranges)
    return Scale(name, min(above), max(above), log, whole, zero=len(above) < len(bounds))


def _round_numbers(scale: Scale) -> list[float]:
    """A few round numbers within the range."""
    low, high = scale.low, scale.high
    if low == high:
        return [low]
    if not scale.log:
        from matplotlib.ticker import MaxNLocator

        located = MaxNLocator(TICKS, integer=scale.whole, min_n_ticks=2).tick_values(low, high)
        return [float(value) + 0.0 for value in located if low <= value <= high]
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = [10.0**power for power in range(first, last + 1) if low <= 10.0**power <= high * (1 + 1e-9)]
    if len(decades) >= 3:
        return decades[:: math.ceil(len(decades) / (TICKS + 1))]
    digits = (1, 2, 5) if high / low > 4 else (1, 1.5, 2, 3, 4, 5, 6, 8)
    found = [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
    found = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
    return found[:: math.ceil(len(found) / (TICKS + 1))] if found else [low, high]
