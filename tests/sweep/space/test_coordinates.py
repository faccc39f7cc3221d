"""Places and distances in a search space."""

import pytest

from nemesis_sweep.sweep.space.coordinates import dimensions, distance, unit

TEXT = """
name: made
tasks: {dataset: digits, shots: 4}
space:
  omega: {low: 0.1, high: 10, log: true}
  n_ctx: {low: 4, high: 16}
  beta: {choices: {0: {corruption: {low: 0, high: 0.8}}, 1: {}}}
"""


@pytest.fixture
def names(make_sweep):
    return dimensions(make_sweep(text=TEXT).space)


def test_every_dimension_is_found_and_scaled(names):
    assert list(names) == ["omega", "n_ctx", "beta", "corruption"]
    assert unit(names["omega"], 1.0) == pytest.approx(0.5)
    assert unit(names["n_ctx"], 10) == pytest.approx(0.5)
    assert unit(names["corruption"], 0.2) == pytest.approx(0.25)
    # Plain CoOp has omega 0, which no logarithmic range holds.
    assert unit(names["omega"], 0.0) == 0.0


def test_distances(names):
    one = {"omega": 1.0, "n_ctx": 4, "beta": 1}
    assert distance(names, one, one) == 0.0
    assert distance(names, one, {**one, "n_ctx": 16}) == pytest.approx(1.0)
    assert distance(names, one, {**one, "beta": 0, "corruption": 0.1}) == pytest.approx(2**0.5)
    assert distance(names, one, {**one, "omega": 10.0}) == pytest.approx(0.5)
