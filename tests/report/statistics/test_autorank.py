"""The whole comparison of several methods beside autorank, which chooses its tests by itself."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from autorank import autorank

from nemesis_sweep.report.statistics.critical_difference import critical_difference
from nemesis_sweep.report.statistics.friedman import ranks
from nemesis_sweep.report.statistics.pairwise import all_pairs


def table(tasks: int, methods: int) -> pandas.DataFrame:
    scores = np.random.default_rng(methods).gamma(2, 3, size=(tasks, methods)) + np.arange(methods) * 0.8
    return pandas.DataFrame(scores, columns=[f"m{place}" for place in range(methods)])


@pytest.mark.parametrize(("tasks", "methods"), [(9, 3), (15, 7)])
def test_ranks_friedman_and_critical_difference(tasks: int, methods: int) -> None:
    frame = table(tasks, methods)
    theirs = autorank(frame, alpha=0.05, verbose=False, force_mode="nonparametric")
    ours = ranks(frame.to_dict())
    assert theirs.omnibus == "friedman"
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ours.average == pytest.approx(theirs.rankdf["meanrank"].to_dict())
    assert critical_difference(methods, tasks) == pytest.approx(theirs.cd, rel=1e-3)


def test_wilcoxon_of_two_methods() -> None:
    frame = table(12, 2)
    theirs = autorank(frame, alpha=0.05, verbose=False, force_mode="nonparametric")
    (pair,) = all_pairs(frame.to_dict())
    assert theirs.omnibus == "wilcoxon"
    # Theirs asks one-sidedly whether the better one is better.
    assert pair.test.p == pytest.approx(2 * theirs.pvalue)
