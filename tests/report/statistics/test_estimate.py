"""What every estimate over tasks has in common: interval, counts, and what it says where one is missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from nemesis_sweep.report.statistics.estimate import NOTHING, Estimate
from nemesis_sweep.report.statistics.improvement import probability_of_improvement
from nemesis_sweep.report.statistics.interquartile_mean import interquartile_mean
from nemesis_sweep.report.statistics.mean_gain import mean_gain

Statistic = Callable[[Sequence[Sequence[float]]], Estimate]


def against_zero(tasks: Sequence[Sequence[float]]) -> Estimate:
    return probability_of_improvement([(task, [0.0] * len(task)) for task in tasks])


ALL = pytest.mark.parametrize("statistic", [interquartile_mean, mean_gain, against_zero])
pytestmark = pytest.mark.filterwarnings("error")


@ALL
def test_without_values_nothing_is_claimed(statistic: Statistic) -> None:
    for tasks in ([], [[]], [[math.nan], [math.nan, math.inf]]):
        told = statistic(tasks)
        assert (told.value, told.low, told.high, told.why) == (None, None, None, NOTHING)
        assert told.n.tasks == 0


@ALL
def test_one_replicate_a_task_has_no_interval(statistic: Statistic) -> None:
    told = statistic([[1.0], [2.0]])
    assert told.value is not None
    assert (told.low, told.high, told.why) == (None, None, "no interval: one replicate a task")


@ALL
def test_a_task_with_one_replicate_among_others_is_named(statistic: Statistic) -> None:
    told = statistic([[1.0, -1.0], [2.0], [3.0, 2.0]])
    assert told.low is not None
    assert told.why == "interval too narrow: one replicate on 1 of 3 tasks"


@ALL
def test_equal_values_have_an_interval_without_width(statistic: Statistic) -> None:
    told = statistic([[61.3] * 3] * 4)
    assert told.value == pytest.approx(told.low) == pytest.approx(told.high)
    assert told.why == ""


@ALL
def test_a_failed_replicate_is_left_out_and_counted(statistic: Statistic) -> None:
    told = statistic([[1.0, math.nan, 3.0], [2.0, 4.0]])
    assert told.value == statistic([[1.0, 3.0], [2.0, 4.0]]).value
    assert (told.n.values, told.n.left_out) == (4, 1)


@ALL
def test_the_interval_holds_the_value_and_is_the_same_again(statistic: Statistic) -> None:
    tasks = [[1.0, 2.0, -1.0, 0.5], [-2.0, 1.0, 3.0], [0.1, 0.2, -0.3]]
    told = statistic(tasks)
    assert told.low is not None and told.value is not None and told.high is not None
    assert told.low < told.value < told.high
    assert statistic(tasks) == told
