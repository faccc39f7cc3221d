"""Omega(e) against values worked out by hand."""

import math
from itertools import pairwise

import pytest

from nemesis_sweep.nemesis.annealings.cosine import cosine
from nemesis_sweep.nemesis.annealings.linear import linear
from nemesis_sweep.nemesis.annealings.logistic import logistic
from nemesis_sweep.nemesis.annealings.registry import annealing
from nemesis_sweep.nemesis.annealings.step import step
from nemesis_sweep.nemesis.annealings.warmup import warmup
from nemesis_sweep.spec.choices import ANNEALINGS
from nemesis_sweep.spec.method import Method

FREE = [name for name, entry in ANNEALINGS.items() if not entry.steered]
OWN = sorted({name for key in FREE for name in ANNEALINGS[key].names})


def weights(epochs: int, **fields) -> list[float]:
    found = annealing(dict(Method(**fields)))
    return [found(epoch, epochs) for epoch in range(epochs)]


@pytest.mark.parametrize("epochs", [1, 2, 50, 20000])
@pytest.mark.parametrize("name", FREE)
def test_every_annealing_stays_between_nothing_and_one(name, epochs):
    """For every training, however short, and with more epochs than exp can take."""
    assert all(0 <= weight <= 1 for weight in weights(epochs, anneal=name))


@pytest.mark.parametrize("name", [name for name in FREE if name != "warmup"])
def test_none_rises_unless_it_is_told_to(name):
    assert all(later <= earlier for earlier, later in pairwise(weights(200, anneal=name)))


@pytest.mark.parametrize("field", OWN)
def test_every_field_changes_the_annealings_that_have_it_and_no_other(field):
    for name in FREE:
        changed = weights(20, anneal=name) != weights(20, anneal=name, **{field: 0.7})
        assert changed == (field in ANNEALINGS[name].names)


def test_logistic_is_one_half_in_the_middle():
    assert logistic(25, 50, 0.2) == logistic(25, 50, 3.0) == 0.5


def test_logistic_starts_near_one_and_ends_near_nothing():
    assert logistic(0, 50, 0.2) == pytest.approx(1 / (1 + math.exp(-5)))
    assert logistic(50, 50, 0.2) == pytest.approx(1 / (1 + math.exp(5)))


def test_constant_is_one():
    assert weights(3, anneal="constant") == [1.0, 1.0, 1.0]


def test_linear_is_a_line_to_its_end():
    assert [linear(epoch, 5, 0.2) for epoch in range(5)] == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])


def test_an_end_above_one_makes_a_penalty_that_rises():
    assert [linear(epoch, 3, 3.0) for epoch in range(3)] == [1.0, 2.0, 3.0]


def test_cosine_is_half_a_wave():
    assert [cosine(epoch, 5, 0.0) for epoch in range(5)] == pytest.approx(
        [1, (2 + 2**0.5) / 4, 0.5, (2 - 2**0.5) / 4, 0], abs=1e-12
    )


def test_warmup_rises_in_a_line_and_falls_as_cosine():
    found = [warmup(epoch, 10, 0.5, 0.0) for epoch in range(10)]
    assert found[:6] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1.0])
    assert found[5:] == pytest.approx([cosine(epoch, 5, 0.0) for epoch in range(5)])


def test_without_a_rise_warmup_is_cosine():
    assert [warmup(e, 9, 0.0, 0.1) for e in range(9)] == [cosine(e, 9, 0.1) for e in range(9)]


def test_step_takes_its_end_after_its_share_of_the_epochs():
    assert [step(epoch, 4, 0.5, 0.1) for epoch in range(4)] == [1.0, 1.0, 0.1, 0.1]
