from __future__ import annotations

import math

import numpy as np
import pytest
from scikit_posthocs import posthoc_wilcoxon

from nemesis_sweep.report.statistics.pairwise import all_pairs, compared

SCORES = np.random.default_rng(2).normal([60, 61, 61.5, 64], 1, size=(12, 4))
MEANS = {
    name: {f"t{task}": score for task, score in enumerate(SCORES[:, column])}
    for column, name in enumerate("ABCD")
}


def test_all_pairs_are_those_of_scikit_posthocs() -> None:
    expected = posthoc_wilcoxon(SCORES.T.tolist(), p_adjust="holm").to_numpy()
    pairs = all_pairs(MEANS)
    assert len(pairs) == 6
    for pair in pairs:
        place = "ABCD".index(pair.ours), "ABCD".index(pair.theirs)
        assert pair.adjusted == pytest.approx(expected[place])


def test_only_the_comparisons_that_are_asked_for_are_corrected() -> None:
    told = compared(MEANS, [("B", "A"), ("C", "A"), ("D", "A")])
    assert [(each.ours, each.theirs) for each in told] == [("B", "A"), ("C", "A"), ("D", "A")]
    ps = sorted(each.test.p for each in told if each.test.p is not None)
    smallest = min(each.adjusted for each in told if each.adjusted is not None)
    assert smallest == pytest.approx(3 * ps[0])


def test_only_tasks_that_both_have_are_compared() -> None:
    means = {"A": {"t1": 1.0, "t2": 2.0, "t3": math.nan}, "B": {"t2": 1.0, "t3": 1.0, "t4": 3.0}}
    (pair,) = all_pairs(means)
    assert (pair.test.n, pair.adjusted, pair.told_apart) == (1, None, False)
    assert pair.test.why == "too few tasks (1 of at least 6)"
