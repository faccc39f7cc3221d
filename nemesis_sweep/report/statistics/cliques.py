"""Groups of methods that no comparison tells apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nemesis_sweep.report.statistics.pairwise import Comparison
from nemesis_sweep.report.statistics.signed_rank import FEWEST_TASKS


def cliques(average_ranks: Mapping[str, float], pairs: Iterable[Comparison]) -> list[tuple[str, ...]]:
    """Return the largest groups in which no two methods are told apart, each and all from the best rank on.

    There are none where a pair shares too few tasks for a test. A pair that is equal on nearly all of its
    tasks is not told apart. A method that differs from all others is in no group. A method may be in
    several: that A is like B and B like C does not make A like C. All maximal cliques of the graph of pairs
    are found by Bron and Kerbosch, "Algorithm 457", Communications of the ACM 16 (1973).
    """
    compared = list(pairs)
    if any(pair.test.n < FEWEST_TASKS for pair in compared):
        return []
    order = sorted(average_ranks, key=lambda method: (average_ranks[method], method))
    like: dict[str, set[str]] = {method: set() for method in order}
    for pair in compared:
        if not pair.told_apart:
            like[pair.ours].add(pair.theirs)
            like[pair.theirs].add(pair.ours)
    found = [tuple(sorted(group, key=order.index)) for group in _maximal(set(), set(order), set(), like)]
    return sorted((group for group in found if len(group) > 1), key=lambda group: _places(group, order))


def _places(group: Sequence[str], order: Sequence[str]) -> list[int]:
    return [order.index(method) for method in group]


def _maximal(
    group: set[str], candidates: set[str], done: set[str], like: Mapping[str, set[str]]
) -> list[set[str]]:
    """The maximal cliques of `group` and any of the candidates, which are like all of it, without `done`."""
    if not candidates and not done:
        return [group]
    pivot = max(sorted(candidates | done), key=lambda method: len(like[method] & candidates))
    found: list[set[str]] = []
    candidates, done = set(candidates), set(done)
    for method in sorted(candidates - like[pivot]):
        found += _maximal(group | {method}, candidates & like[method], done & like[method], like)
        candidates.remove(method)
        done.add(method)
    return found
