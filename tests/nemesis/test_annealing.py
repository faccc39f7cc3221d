"""Omega(e) against values worked out by hand."""

import math
from itertools import pairwise

import pytest

from nemesis_sweep.nemesis.annealing import annealing, constant, logistic
from nemesis_sweep.spec.choices import ANNEALINGS


def test_logistic_is_one_half_in_the_middle():
    assert logistic(25, 50) == 0.5


def test_logistic_starts_near_one_and_ends_near_nothing():
    assert logistic(0, 50) == pytest.approx(1 / (1 + math.exp(-5)))
    assert logistic(50, 50) == pytest.approx(1 / (1 + math.exp(5)))


def test_constant_is_one():
    assert [constant(e, 50) for e in (0, 25, 49)] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", ANNEALINGS)
def test_every_annealing_stays_between_nothing_and_one_and_never_rises(name):
    values = [annealing(name)(epoch, 200) for epoch in range(200)]
    assert all(0 <= value <= 1 for value in values)
    assert all(later <= earlier for earlier, later in pairwise(values))
