from __future__ import annotations

import pytest

from nemesis_sweep.report.following.widening import bounds_of, widened
from nemesis_sweep.spec.dimensions import Choice, FloatRange, IntRange


@pytest.mark.parametrize(
    ("name", "dimension", "side", "end"),
    [
        ("omega", FloatRange(low=1, high=100, log=True), "high", 1000),
        ("omega", FloatRange(low=1, high=100, log=True), "low", 0.1),
        ("omega", FloatRange(low=2, high=10), "low", 0),
        ("corruption", FloatRange(low=0.0, high=0.9), "high", 1),
        ("momentum", FloatRange(low=0.5, high=0.95), "high", 0.975),
        ("n_positions", IntRange(low=1, high=4), "high", 6),
        ("epochs", IntRange(low=20, high=60, step=10), "high", 80),
        ("batch", IntRange(low=8, high=32, log=True), "high", 60),
    ],
)
def test_a_range_grows_by_half_of_what_it_is_as_far_as_its_field_goes(name, dimension, side, end) -> None:
    found = widened(name, dimension, side)
    assert getattr(found, side) == pytest.approx(end)
    other = "low" if side == "high" else "high"
    assert getattr(found, other) == getattr(dimension, other)


@pytest.mark.parametrize(
    ("name", "dimension", "side"),
    [
        ("omega", FloatRange(low=0, high=10), "low"),
        ("corruption", FloatRange(low=0.5, high=1), "high"),
        ("n_positions", IntRange(low=1, high=4), "low"),
        ("omega", Choice(choices=[0.0, 1.0, 10.0]), "low"),
    ],
)
def test_what_ends_where_its_field_does_stays(name, dimension, side) -> None:
    assert widened(name, dimension, side) is None


@pytest.mark.parametrize(
    ("choices", "side", "more"),
    [
        ([0.0, 1.0, 10.0], "high", [0.0, 1.0, 10.0, 100.0]),
        ([4, 8, 16], "low", [2, 4, 8, 16]),
        ([16, 8, 4], "high", [16, 8, 4, 32]),
    ],
)
def test_choices_get_one_more_of_their_series(choices, side, more) -> None:
    name = "omega" if 0.0 in choices else "n_ctx"
    assert widened(name, Choice(choices=choices), side).choices == more


def test_bounds_are_those_of_the_field() -> None:
    assert bounds_of("omega")[0] == (0.0, True)
    assert bounds_of("lr")[0] == (0.0, False)
    assert bounds_of("momentum")[1] == (1.0, False)
    assert bounds_of("probe_c")[0] == (0.0, False)
    assert bounds_of("prompt_depth")[0] == (1.0, True)
