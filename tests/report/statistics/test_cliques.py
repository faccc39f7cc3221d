from __future__ import annotations

from itertools import combinations

import networkx
import numpy as np
import pytest

from nemesis_sweep.report.statistics.cliques import cliques
from nemesis_sweep.report.statistics.pairwise import Comparison
from nemesis_sweep.report.statistics.signed_rank import SignedRank

RANKS = {"A": 1.2, "B": 2.0, "C": 2.8, "D": 4.0}


def pair(ours: str, theirs: str, adjusted: float | None, n: int = 10, zeros: int = 0) -> Comparison:
    return Comparison(ours, theirs, SignedRank(adjusted, 1.0, n, zeros), adjusted)


def pairs(like: str) -> list[Comparison]:
    """All pairs of A to D, those named in `like` ("AB CD") with a large p."""
    named = like.split()
    return [pair(a, b, 0.4 if a + b in named else 0.01) for a, b in combinations("ABCD", 2)]


@pytest.mark.parametrize(
    ("like", "groups"),
    [
        ("", []),
        ("AB BC", [("A", "B"), ("B", "C")]),
        ("AB BC AC", [("A", "B", "C")]),
        ("AC CD", [("A", "C"), ("C", "D")]),
        ("AB AC AD BC BD CD", [("A", "B", "C", "D")]),
    ],
)
def test_groups_by_hand(like: str, groups: list[tuple[str, ...]]) -> None:
    assert cliques(RANKS, pairs(like)) == groups


@pytest.mark.parametrize("seed", range(5))
def test_they_are_the_maximal_cliques_of_networkx(seed: int) -> None:
    generator = np.random.default_rng(seed)
    names = [f"m{place}" for place in range(9)]
    told = [pair(a, b, float(generator.choice([0.01, 0.5]))) for a, b in combinations(names, 2)]
    graph = networkx.Graph([(each.ours, each.theirs) for each in told if not each.told_apart])
    expected = {frozenset(group) for group in networkx.find_cliques(graph)}
    assert {frozenset(group) for group in cliques(dict.fromkeys(names, 1.0), told)} == expected


def test_with_too_few_tasks_there_are_none() -> None:
    assert cliques({"A": 1.0, "B": 2.0}, [pair("A", "B", None, n=5)]) == []


def test_methods_that_are_equal_on_all_tasks_are_a_group() -> None:
    assert cliques({"A": 1.5, "B": 1.5}, [pair("A", "B", None, n=9, zeros=9)]) == [("A", "B")]


def test_of_one_method_there_is_no_group() -> None:
    assert cliques({"A": 1.0}, []) == []
