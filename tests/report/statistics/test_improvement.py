from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from nemesis_sweep.report.statistics.improvement import probability_of_improvement

pytestmark = pytest.mark.filterwarnings("error")


def test_by_hand() -> None:
    # First task: 3 > 1, 3 > 2, 1 = 1 (half), 1 < 2: 2.5 of 4. Second: 5 > 4: 1 of 1.
    told = probability_of_improvement([([3.0, 1.0], [1.0, 2.0]), ([5.0], [4.0])])
    assert told.value == pytest.approx((2.5 / 4 + 1) / 2)
    assert str(told.n) == "2 tasks x 1 to 2 replicates"


def test_of_one_task_it_is_the_statistic_of_mann_and_whitney() -> None:
    generator = np.random.default_rng(0)
    ours, theirs = generator.integers(0, 9, 8) * 1.0, generator.integers(0, 9, 5) * 1.0
    expected = stats.mannwhitneyu(ours, theirs).statistic / 40
    assert probability_of_improvement([(ours.tolist(), theirs.tolist())]).value == pytest.approx(expected)


def test_the_interval_is_that_of_all_resamples() -> None:
    ours, theirs = [1.0, 4.0, 6.0], [2.0, 4.0, 5.0]
    every = [
        np.mean([(a > b) + (a == b) / 2 for a, b in product(left, right)])
        for left, right in product(product(ours, repeat=3), product(theirs, repeat=3))
    ]
    told = probability_of_improvement([(ours, theirs)], draws=40_000)
    assert (told.low, told.high) == pytest.approx(tuple(np.quantile(every, [0.025, 0.975])), abs=0.06)


def test_a_score_that_no_seed_changes_leaves_the_interval_as_it_is() -> None:
    told = probability_of_improvement([([61.0, 63.0, 59.0], [60.0])])
    assert told.value == pytest.approx(2 / 3)
    assert told.low is not None
    assert told.why == ""


def test_errors_of_rounding_are_ties() -> None:
    assert probability_of_improvement([([0.1 + 0.2], [0.3])]).value == 0.5


def test_a_task_that_lacks_one_of_them_is_left_out() -> None:
    told = probability_of_improvement([([3.0, 2.0], [1.0, 1.0]), ([5.0], [math.nan]), ([], [1.0])])
    assert (told.value, told.n.tasks, told.n.left_out) == (1.0, 1, 1)
