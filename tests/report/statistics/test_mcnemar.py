"""McNemar's exact test: by hand, and equal to the sum over the binomial distribution."""

from math import comb

import pytest

from nemesis_sweep.report.statistics.mcnemar import mcnemar


def test_five_won_and_none_lost_is_one_of_two_ends_in_32():
    assert mcnemar(5, 0) == mcnemar(0, 5) == pytest.approx(2 / 32)


def test_as_many_won_as_lost_and_no_disagreement_say_nothing():
    assert mcnemar(7, 7) == 1.0
    assert mcnemar(0, 0) == 1.0


@pytest.mark.parametrize(("won", "lost"), [(3, 9), (30, 17), (40, 41), (1, 2)])
def test_it_is_twice_the_tail(won, lost):
    n = won + lost
    tail = sum(comb(n, k) for k in range(min(won, lost) + 1)) / 2**n
    assert mcnemar(won, lost) == pytest.approx(min(1.0, 2 * tail))
