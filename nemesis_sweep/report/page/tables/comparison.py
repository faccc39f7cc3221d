"""The methods over all tasks: how much they gain over plain CoOp, how surely, and how they rank."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.page.comparison import (
    MethodScores,
    method_scores,
    of_one_dataset,
    ranked_means,
    unranked_text,
)
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Cell, Column, Line, Note, Piece, ReportTable, Section
from nemesis_sweep.report.statistics import Gain
from nemesis_sweep.report.statistics.bootstrap import DRAWS
from nemesis_sweep.report.statistics.estimate import Estimate
from nemesis_sweep.report.statistics.friedman import Ranks, ranks
from nemesis_sweep.report.statistics.improvement import probability_of_improvement
from nemesis_sweep.report.statistics.interquartile_mean import interquartile_mean
from nemesis_sweep.report.statistics.mean_gain import mean_gain
from nemesis_sweep.report.statistics.pairwise import Comparison, compared
from nemesis_sweep.report.statistics.strata import SampleSize, strata

ENOUGH = 8
"""Replicates from which the intervals of a bootstrap are hardly too narrow: 0.94 of their width."""
COLUMNS = (
    Column("method"),
    Column("gain", "max"),
    Column("IQM of gains", "max"),
    Column("P(better)", "max", digits=2),
    Column("p", digits=None),
    Column("rank", "min", digits=2),
    Column("tasks"),
    Column("replicates"),
    Column("selected on"),
)


def _make(material: Material) -> Iterator[ReportTable | Note]:
    methods = method_scores(material)
    if len({task.key for task in material.tasks}) < 2:
        return
    if not any(each.gains for each in methods):
        yield Note("No gains over tasks: no task has plain CoOp and another method (search.baselines: coop).")
        return
    means = {each.method: each.means for each in methods}
    tests = compared(means, [(each.method, each.baseline) for each in methods if each.baseline])
    ranked = ranks(ranked_means(material, methods))
    estimates = {each.method: _Estimates(each) for each in methods if each.gains}
    lines = [
        Line(_cells(each, estimates.get(each.method), {test.ours: test for test in tests}, ranked))
        for each in methods
    ]
    few = _few_text(min((each.mean.n.fewest for each in estimates.values()), default=0))
    doubts = dict.fromkeys(doubt for each in estimates.values() for doubt in each.doubts)
    dependent = "Tasks of one dataset are not independent: p may be too small"
    left_out = unranked_text(methods, ranked.average) if ranked.average else ""
    caption = (
        ". ".join(
            filter(
                None, [*_caption(tests, ranked), left_out, dependent * of_one_dataset(material), few, *doubts]
            )
        )
        + "."
    )
    yield ReportTable("comparison", "Methods over all tasks", caption, COLUMNS, lines)


class _Estimates:
    """What is estimated of a method's gains, each with its interval."""

    def __init__(self, method: MethodScores) -> None:
        gains = list(method.gains.values())
        self.mean = mean_gain(gains)
        self.middle = interquartile_mean(gains)
        self.better = probability_of_improvement(method.both.values())

    @property
    def doubts(self) -> list[str]:
        """Why an interval is missing or too narrow."""
        return [each.why for each in (self.mean, self.middle, self.better) if each.why]


def _cells(
    each: MethodScores, estimates: _Estimates | None, tests: Mapping[str, Comparison], ranked: Ranks
) -> list[Cell]:
    test = tests.get(each.method)
    n = estimates.mean.n if estimates else strata([[mean] for mean in each.means.values()]).n
    return [
        each.method,
        _gain(estimates.mean) if estimates else None,
        _gain(estimates.middle) if estimates else None,
        estimates.better if estimates else None,
        _p(test) if test else None,
        ranked.average.get(each.method),
        n.tasks,
        _replicates(n) if estimates else None,
        each.selected or "-",
    ]


def _gain(estimate: Estimate) -> Gain | None:
    if estimate.value is None:
        return None
    return Gain(estimate.value, estimate.low, estimate.high, estimate.n.values)


def _p(test: Comparison) -> Cell:
    """The adjusted p, or in a few words why there is none."""
    return test.adjusted if test.adjusted is not None else test.test.why.split(" (")[0]


def _replicates(n: SampleSize) -> Cell:
    return n.most if n.fewest == n.most else f"{n.fewest} to {n.most}"


def _caption(tests: Sequence[Comparison], ranked: Ranks) -> list[str]:
    """What the columns are, a sentence each."""
    tested = sum(test.adjusted is not None for test in tests)
    return [
        "Read off whether the interval of a method's gain leaves out 0",
        "Gain: test accuracy minus that of plain CoOp of the same sweep, in points, paired by seed; mean "
        "over tasks, and interquartile mean (IQM) over all replicates of all tasks",
        "P(better): how likely a replicate beats one of plain CoOp on the same task",
        f"Intervals: 95 % of {DRAWS} stratified bootstrap draws, of these tasks and no others",
        "p: Wilcoxon's signed rank test of task means against plain CoOp"
        + (f", Holm over {counted(tested, 'test')}" if tested else ""),
        "'selected on' chose the row, or its strengths; the test set chose nothing unless it says so",
        _ranks_text(ranked),
    ]


def _few_text(replicates: int) -> str:
    """What a bootstrap of few replicates falls short by: its variance is (n - 1) / n of the unbiased one."""
    if not 1 < replicates < ENOUGH:
        return ""
    share = math.sqrt((replicates - 1) / replicates)
    told = f"With {replicates} replicates a task the bootstrap's intervals are too narrow"
    return f"{told}, at most {share:.2f} of what they should be"


def _ranks_text(ranked: Ranks) -> str:
    if not ranked.average:
        return "Nothing is ranked: no method is on every task"
    over = f"Rank: average over the {counted(ranked.n, 'task')} that all ranked methods have, 1 is best"
    if ranked.p is None:
        return f"{over}; Friedman's test: {ranked.why}"
    return f"{over}; Friedman's test of whether ranks differ: p = {ranked.p:.3g}"


PIECE = Piece(Section.COMPARISON, 10, _make)
