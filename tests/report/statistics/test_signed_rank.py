from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from nemesis_sweep.report.statistics.signed_rank import signed_rank

pytestmark = pytest.mark.filterwarnings("error")


def test_by_hand() -> None:
    # Ranks of 1, 2, -3, 4, 5, 6: the negative sum is 3. Sums up to 3: {}, 1, 2, 3, 1 + 2: 5 of 64, two sides.
    told = signed_rank([1.0, 2.0, -3.0, 4.0, 5.0, 6.0])
    assert (told.statistic, told.n, told.zeros, told.why) == (3.0, 6, 0, "")
    assert told.p == pytest.approx(10 / 64)


@pytest.mark.parametrize("size", [6, 9, 20, 50, 51, 80])
def test_without_ties_it_is_scipys(size: int) -> None:
    differences = np.random.default_rng(size).normal(0.3, 1, size)
    expected = stats.wilcoxon(differences)
    told = signed_rank(differences)
    assert told.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert told.statistic == expected.statistic


@pytest.mark.parametrize("seed", range(2))
def test_with_ties_it_is_scipys_of_all_signings(seed: int) -> None:
    generator = np.random.default_rng(seed)
    differences = generator.integers(1, 4, 8) * generator.choice([1.0, -1.0], 8)
    every = stats.wilcoxon(differences, method=stats.PermutationMethod(n_resamples=2**9))
    assert signed_rank(differences).p == pytest.approx(every.pvalue)


def test_differences_of_zero_are_not_ranked_and_are_told() -> None:
    differences = [0.0, 1.0, 2.0, -3.0, 4.0, 5.0, 6.0, 0.0]
    told = signed_rank(differences)
    assert (told.n, told.zeros) == (8, 2)
    assert told.p == pytest.approx(signed_rank([1.0, 2.0, -3.0, 4.0, 5.0, 6.0]).p)


def test_below_six_tasks_there_is_no_p() -> None:
    told = signed_rank([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (told.p, told.why) == (None, "too few tasks (5 of at least 6)")
    assert signed_rank([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).p == pytest.approx(2 / 64)


def test_tasks_without_a_difference_do_not_make_it_six() -> None:
    told = signed_rank([1.0, 2.0, 0.0, 3.0, 4.0, 1e-12, 5.0])
    assert (told.p, told.n, told.zeros) == (None, 7, 2)
    assert told.why == "too few tasks with a difference (5 of at least 6; 2 without)"


def test_all_equal_and_none_at_all() -> None:
    assert signed_rank([0.0] * 9).why == "too few tasks with a difference (0 of at least 6; 9 without)"
    assert signed_rank([0.0, 1.0]).why == "too few tasks (2 of at least 6)"
    assert signed_rank([]).why == "too few tasks (0 of at least 6)"


def test_errors_of_rounding_are_ties() -> None:
    exact, rounded = [1.0, 1.0, 1.0, 1.0, 1.0, -2.0], [61.3 - 60.3, 41.1 - 40.1, 1, 1, 1, -2]
    assert signed_rank(rounded) == signed_rank(exact)


def test_what_is_not_finite_was_not_measured() -> None:
    assert signed_rank([math.nan, 1.0, 2.0, math.inf]).n == 2
