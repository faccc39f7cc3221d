"""Points of a space: drawn, filled and listed."""

from __future__ import annotations

import random

import pytest

from nemesis_sweep.spec.dimensions import Choice, Dimension, FloatRange, IntRange
from nemesis_sweep.spec.draw import all_points, random_point, random_value, size

CONDITIONAL = {
    "beta": Choice(choices=[0, 1], opens=[{"n_positions": IntRange(low=1, high=3)}, {}]),
    "omega": FloatRange(low=0.1, high=0.5, step=0.1),
}


def test_a_finite_space_has_all_its_points_once() -> None:
    points = list(all_points(CONDITIONAL))
    assert size(CONDITIONAL) == len(points) == 4 * 5
    assert len({tuple(sorted(point.items())) for point in points}) == 20
    assert points[0] == {"beta": 0, "n_positions": 1, "omega": 0.1}
    # 0.1 + 2 * 0.1 is 0.30000000000000004 in binary fractions.
    assert [point["omega"] for point in points[:5]] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert all(("n_positions" in point) == (point["beta"] == 0) for point in points)


def test_a_range_without_steps_is_endless_and_one_value_is_not() -> None:
    assert size({"omega": FloatRange(low=0, high=1)}) is None
    assert size({"omega": FloatRange(low=1, high=1)}) == 1
    assert size({"beta": Choice(choices=[0, 1], opens=[{"omega": FloatRange(low=0, high=1)}, {}])}) is None
    assert size({}) == len(list(all_points({}))) == 1
    assert size({"n_ctx": IntRange(low=2, high=9, step=3)}) == 3
    assert size({"n_ctx": IntRange(low=2, high=9, log=True)}) == 8


@pytest.mark.parametrize(
    "dimension",
    [
        FloatRange(low=0.1, high=100, log=True),
        FloatRange(low=-1, high=1),
        FloatRange(low=0, high=1, step=0.3),
        IntRange(low=1, high=40, log=True),
        IntRange(low=1, high=40, step=3),
        Choice(choices=[4, "a", None]),
    ],
)
def test_random_values_lie_in_their_dimension(dimension: Dimension) -> None:
    rng = random.Random(0)
    values = [random_value(dimension, rng) for _ in range(300)]
    assert all(dimension.contains(value) for value in values)
    assert len(set(values)) >= 3


def test_a_point_is_the_seeds() -> None:
    drawn = [random_point(CONDITIONAL, random.Random(seed)) for seed in (1, 1, 2, 3, 4)]
    assert drawn[0] == drawn[1]
    assert len({str(point) for point in drawn}) > 2
