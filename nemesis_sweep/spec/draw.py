"""Points of a search space: filled by a rule, drawn at random, or all of a finite space."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nemesis_sweep.spec.dimensions import Choice, Dimension, IntRange, Scalar, Space
from nemesis_sweep.spec.steps import steps, value_at

Point = dict[str, Any]


def fill(space: Mapping[str, Dimension], pick: Callable[[str, Dimension], Any]) -> Point:
    """Return the point whose values `pick(name, dimension)` gives; choices open what is asked for next."""
    point: Point = {}
    for name, dimension in space.items():
        point[name] = pick(name, dimension)
        if isinstance(dimension, Choice):
            point |= fill(dimension.opened_by(point[name]), pick)
    return point


def random_point(space: Mapping[str, Dimension], rng: random.Random) -> Point:
    """Return a point drawn uniformly, over the logarithm where a range says so."""
    return fill(space, lambda name, dimension: random_value(dimension, rng))


def random_value(dimension: Dimension, rng: random.Random) -> Scalar:
    """Return a value of a dimension, drawn uniformly or over its logarithm."""
    if isinstance(dimension, Choice):
        return rng.choice(dimension.choices)
    low, high = dimension.bounds
    if dimension.log:
        value = math.exp(rng.uniform(math.log(low), math.log(high)))
        return max(low, min(high, round(value) if isinstance(dimension, IntRange) else value))
    if dimension.step:
        return value_at(dimension, rng.randint(0, steps(dimension)))
    return max(low, min(high, rng.uniform(low, high)))


def size(space: Space) -> int | None:
    """Return the number of points, None where a range has no steps and so no end of them."""
    sizes = [_size(dimension) for dimension in space.values()]
    return None if None in sizes else math.prod(count for count in sizes if count is not None)


def _size(dimension: Dimension) -> int | None:
    if isinstance(dimension, Choice):
        sizes = [size(opened) for opened in dimension.opens]
        return None if None in sizes else sum(count for count in sizes if count is not None)
    return 1 + steps(dimension) if is_finite(dimension) else None


def is_finite(dimension: Dimension) -> bool:
    """Tell whether a dimension by itself, without what it opens, has finitely many values."""
    return isinstance(dimension, Choice | IntRange) or bool(dimension.step) or dimension.low == dimension.high


def all_points(space: Mapping[str, Dimension]) -> Iterator[Point]:
    """Yield every point of a finite space, the last dimension changing fastest."""
    if not space:
        yield {}
        return
    (name, dimension), *others = space.items()
    for value, opened in _branches(dimension):
        for inner in all_points(opened):
            for rest in all_points(dict(others)):
                yield {name: value, **inner, **rest}


def _branches(dimension: Dimension) -> Iterator[tuple[Scalar, Space]]:
    if isinstance(dimension, Choice):
        yield from zip(dimension.choices, dimension.opens, strict=True)
        return
    for count in range(steps(dimension) + 1):
        yield value_at(dimension, count), {}
