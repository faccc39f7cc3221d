from __future__ import annotations

import pytest
import scipy.stats
import yaml

from nemesis_sweep.report.following.edges import at_edge, chance_of, crowded_edges, edge_share
from nemesis_sweep.spec.dimensions import Choice, FloatRange, IntRange
from nemesis_sweep.spec.sections import read_sections

SWEEP = """
name: made
tasks: {dataset: digits}
space:
  omega: {low: 1, high: 100, log: true}
  beta: {choices: {1: {}, 0: {corruption: {low: 0.0, high: 0.9}}}}
"""


@pytest.fixture(scope="module")
def space():
    sweep, faults = read_sections(yaml.safe_load(SWEEP), None)
    assert sweep is not None, faults
    return sweep.space


def test_best_trials_at_an_edge_are_told_with_how_many_they_are(space) -> None:
    best = [{"omega": 90.0 + number, "beta": 1.0} for number in range(5)]
    rest = [{"omega": 2.0 + number, "beta": 1.0} for number in range(15)]
    (edge,) = crowded_edges(space, [("digits 1-shot", best + rest)])
    assert (edge.name, edge.side, edge.hits, edge.of, edge.chance) == ("omega", "high", 5, 5, 0.1)


def test_best_trials_in_the_middle_are_no_reason(space) -> None:
    best = [{"omega": 10.0, "beta": 1.0}] * 5
    rest = [{"omega": 99.0, "beta": 1.0}] * 15
    assert crowded_edges(space, [("digits 1-shot", best + rest)]) == []


def test_a_few_trials_are_no_reason(space) -> None:
    assert crowded_edges(space, [("digits 1-shot", [{"omega": 100.0, "beta": 1.0}] * 9)]) == []


def test_a_dimension_inside_a_choice_is_judged_by_the_trials_that_took_it(space) -> None:
    pan = [{"omega": 10.0, "beta": 0.0, "corruption": 0.01}] * 12
    pun = [{"omega": 10.0, "beta": 1.0}] * 30
    (edge,) = crowded_edges(space, [("digits 1-shot", pun + pan)])
    assert (edge.name, edge.side) == ("corruption (beta 0.0)", "low")


def test_the_more_edges_are_looked_at_the_more_has_to_crowd(space) -> None:
    trials = [{"omega": 99.0, "beta": 1.0}] * 4 + [{"omega": 10.0, "beta": 1.0}] * 16
    assert len(crowded_edges(space, [("a", trials)])) == 1
    calm = [{"omega": 10.0, "beta": 1.0}] * 20
    assert crowded_edges(space, [("a", trials), *[(f"b{number}", calm) for number in range(60)]]) == []


def test_the_chance_is_the_binomial_tail() -> None:
    assert chance_of(3, 7, 0.1) == pytest.approx(scipy.stats.binom.sf(2, 7, 0.1))


@pytest.mark.parametrize(
    ("dimension", "share"),
    [
        (FloatRange(low=1, high=100, log=True), 0.1),
        (IntRange(low=1, high=4), 0.25),
        (IntRange(low=1, high=40), 0.1),
        (Choice(choices=[4, 8, 16]), 1 / 3),
        (Choice(choices=["end", "middle", "front"]), None),
        (Choice(choices=[0.0, 1.0]), None),
        (FloatRange(low=0.0, high=1.0, step=0.25), 0.2),
    ],
)
def test_the_share_of_an_edge_is_what_a_uniform_draw_has_there(dimension, share) -> None:
    assert edge_share(dimension, "high") == (None if share is None else pytest.approx(share))


@pytest.mark.parametrize(
    ("dimension", "inside", "at"),
    [
        (FloatRange(low=1, high=100, log=True), 60.0, 64.0),
        (FloatRange(low=0, high=10), 8.9, 9.1),
        (IntRange(low=1, high=4), 3, 4),
        (Choice(choices=[16, 4, 8]), 8, 16),
    ],
)
def test_the_edge_is_the_outermost_tenth_or_value(dimension, inside, at) -> None:
    assert not at_edge(dimension, "high", inside)
    assert at_edge(dimension, "high", at)
