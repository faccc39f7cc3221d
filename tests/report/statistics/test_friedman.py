from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from nemesis_sweep.report.statistics.friedman import ranks
from tests.report.statistics.table_of_demsar import MEANS, NAMES

pytestmark = pytest.mark.filterwarnings("error")


def of(rows: list[list[float]]) -> dict[str, dict[str, float]]:
    """Scores of rows of tasks and columns of methods A, B, C, ..."""
    return {
        chr(65 + column): {f"t{task}": row[column] for task, row in enumerate(rows)}
        for column in range(len(rows[0]))
    }


def test_the_average_ranks_that_demsar_prints() -> None:
    told = ranks(MEANS)
    assert [told.average[name] for name in NAMES] == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert told.n == 14


def test_the_test_is_that_of_scipy() -> None:
    told = ranks(MEANS)
    expected = stats.friedmanchisquare(*(list(MEANS[name].values()) for name in NAMES))
    assert (told.statistic, told.p) == pytest.approx((expected.statistic, expected.pvalue))


def test_without_ties_the_statistic_by_its_formula() -> None:
    scores = np.random.default_rng(0).normal(size=(8, 4))
    told = ranks(of(scores.tolist()))
    squares = sum(rank**2 for rank in told.average.values())
    assert told.statistic == pytest.approx(12 * 8 / (4 * 5) * (squares - 4 * 5**2 / 4))


def test_the_highest_score_has_rank_one_and_equals_share_theirs() -> None:
    assert ranks(of([[0.1 + 0.2, 0.3, 0.9]])).average == {"A": 2.5, "B": 2.5, "C": 1.0}


def test_a_task_that_a_method_lacks_is_left_out() -> None:
    means = of([[1.0, 2.0], [2.0, 1.0], [3.0, 1.0]])
    del means["A"]["t0"]
    means["B"]["t1"] = math.nan
    told = ranks(means)
    assert (told.average, told.n, told.left_out) == ({"A": 1.0, "B": 2.0}, 1, 2)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([[1.0, 2.0]] * 9, "Friedman's test is of three and more methods"),
        ([[1.0, 2.0, 3.0]] * 5, "too few tasks (5 of at least 6)"),
        ([[1.0, 1.0, 1.0]] * 6, "all methods are equal on every task"),
        ([[math.nan, 1.0, 1.0]] * 6, "no task has all 3 methods"),
    ],
)
def test_what_cannot_be_tested_is_told(rows: list[list[float]], why: str) -> None:
    told = ranks(of(rows))
    assert (told.statistic, told.p, told.why) == (None, None, why)


def test_of_no_method_at_all() -> None:
    assert ranks({}).average == {}
