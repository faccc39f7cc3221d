"""Whether the best trials crowd at an edge of a searched range, so that the optimum may lie beyond it.

The Tuning Playbook's check (Godbole et al. 2023, "identifying bad search space boundaries"), with a bound on
what luck does: of the best ``k`` trials of a task, ``h`` have a value in the outermost tenth of the range. If
the value made no difference, each would be there with the tenth's probability, so h would be binomial; told
is what that makes less likely than 5 percent, divided by the number of edges that were looked at
(Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from nemesis_sweep.spec.dimensions import Choice, Dimension, FloatRange, IntRange, Space
from nemesis_sweep.spec.space import Place, places
from nemesis_sweep.spec.values import Values

OUTERMOST = 0.1
"""The part of a range that counts as its edge."""
LIKELY = 0.05
FEWEST = 10
"""Trials of a task with the dimension from which its edges are looked at."""
LOW, HIGH = "low", "high"


@dataclass(frozen=True)
class Edge:
    """An edge where a task's best trials crowd: ``hits`` of the best ``of``, by chance ``chance``."""

    place: Place
    side: str
    task: str
    hits: int
    of: int
    chance: float

    @property
    def name(self) -> str:
        """The dimension, with the choices that open it."""
        return place_name(self.place)


def place_name(place: Place) -> str:
    """`lr (prompt coop)`: a dimension with the choices that open it."""
    taken = ", ".join(f"{name} {value}" for name, value in place.taken.items())
    return f"{place.name} ({taken})" if taken else place.name


def crowded_edges(space: Space, ranked: Sequence[tuple[str, Sequence[Values]]]) -> list[Edge]:
    """The edges of a space at which best trials crowd.

    ranked: of every task its label and what its complete trials drew, the best first.
    """
    looked = [
        each for place in places(space) for task, trials in ranked for each in _looked(place, task, trials)
    ]
    return [each for each in looked if chance_of(each.hits, each.of, each.chance) < LIKELY / len(looked)]


def chance_of(hits: int, of: int, share: float) -> float:
    """The probability of at least so many hits where each has this share's."""
    return sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(hits, of + 1))


def _looked(place: Place, task: str, trials: Sequence[Values]) -> Iterator[Edge]:
    """Both edges of a dimension, as far as it has an order and enough trials drew it."""
    known = [each for each in trials if place.name in each and _took(each, place.taken)]
    of = max(FEWEST // 2, math.ceil(len(known) / 10))
    if len(known) < FEWEST:
        return
    for side in (LOW, HIGH):
        share = edge_share(place.dimension, side)
        if share is not None:
            hits = sum(at_edge(place.dimension, side, each[place.name]) for each in known[:of])
            yield Edge(place, side, task, hits, of, share)


def _took(trial: Values, taken: Values) -> bool:
    return all(trial.get(name) == value for name, value in taken.items())


def edge_share(dimension: Dimension, side: str) -> float | None:
    """The share of a dimension that is its edge; None where it has no order, or hardly any values."""
    if isinstance(dimension, Choice):
        return 1 / len(dimension.choices) if len(numbers_of(dimension)) >= 3 else None
    if dimension.low == dimension.high:
        return None
    if isinstance(dimension, FloatRange) and dimension.step is None:
        return OUTERMOST
    ends = _cells(dimension)
    share = sum(_length(dimension, *ends(value)) for value in _edge_values(dimension, side))
    values = _values(dimension)
    return share / _length(dimension, ends(values[0])[0], ends(values[-1])[1]) if len(values) > 2 else None


def at_edge(dimension: Dimension, side: str, value: float) -> bool:
    """Whether a value is one of a dimension's edge."""
    if isinstance(dimension, Choice):
        numbers = numbers_of(dimension)
        return value == (numbers[0] if side == LOW else numbers[-1])
    if isinstance(dimension, IntRange) or dimension.step is not None:
        return any(math.isclose(value, each, abs_tol=1e-9) for each in _edge_values(dimension, side))
    place = _length(dimension, dimension.low, value) / _length(dimension, dimension.low, dimension.high)
    return place <= OUTERMOST if side == LOW else place >= 1 - OUTERMOST


def numbers_of(dimension: Choice) -> list[float]:
    """Choices that are numbers, by size; none where one of them is not, or opens dimensions of its own."""
    choices = dimension.choices
    numbers = [each for each in choices if isinstance(each, int | float) and not isinstance(each, bool)]
    return sorted(numbers) if len(numbers) == len(choices) and not any(dimension.opens) else []


def _values(dimension: FloatRange | IntRange) -> list[float]:
    step = dimension.step or 1
    return [
        dimension.low + number * step
        for number in range(int((dimension.high - dimension.low) / step + 1e-8) + 1)
    ]


def _edge_values(dimension: FloatRange | IntRange, side: str) -> list[float]:
    """The outermost value, and what else lies in the outermost tenth."""
    values = _values(dimension)
    whole = _length(dimension, values[0], values[-1])
    if side == LOW:
        return [each for each in values if _length(dimension, values[0], each) <= OUTERMOST * whole]
    return [each for each in values if _length(dimension, each, values[-1]) <= OUTERMOST * whole]


def _cells(dimension: FloatRange | IntRange) -> Callable[[float], tuple[float, float]]:
    """What of a range falls to each value of a grid: half a step to both sides."""
    half = (dimension.step or 1) / 2
    return lambda value: (value - half, value + half)


def _length(dimension: FloatRange | IntRange, low: float, high: float) -> float:
    return math.log(high / low) if dimension.log else high - low
