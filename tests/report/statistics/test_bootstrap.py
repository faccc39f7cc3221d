from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from scipy import stats

from nemesis_sweep.report.statistics import bootstrap
from nemesis_sweep.report.statistics.bootstrap import bootstrapped, drawn_counts, percentile_interval


def test_replicates_are_drawn_inside_their_task() -> None:
    (counts,) = drawn_counts([3, 1, 2], draws=500, seed=0)
    assert counts.shape == (500, 6)
    assert (counts[:, :3].sum(axis=1) == 3).all()
    assert (counts[:, 3] == 1).all()
    assert (counts[:, 4:].sum(axis=1) == 2).all()


def test_every_resample_is_as_likely_as_it_should_be() -> None:
    (counts,) = drawn_counts([3], draws=27_000, seed=1)
    drawn = Counter(map(tuple, counts.astype(int).tolist()))
    likely = Counter(tuple(places.count(k) for k in range(3)) for places in product(range(3), repeat=3))
    assert set(drawn) == set(likely)
    expected = [1000 * likely[key] for key in likely]
    assert stats.chisquare([drawn[key] for key in likely], expected).pvalue > 0.001


def test_a_seed_gives_the_same_draws_whatever_was_drawn_before() -> None:
    first, again, other = (next(drawn_counts([4, 2], draws=50, seed=seed)) for seed in (7, 7, 8))
    assert (first == again).all()
    assert (first != other).any()


def test_blocks_come_to_as_many_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "BLOCK", 100)
    blocks = list(drawn_counts([5, 5], draws=25, seed=0))
    assert [len(block) for block in blocks] == [10, 10, 5]
    assert bootstrapped([5, 5], lambda counts: counts[:, :2] * 1.0, draws=25).shape == (25, 2)


def test_the_interval_of_a_mean_is_that_of_scipy() -> None:
    values = np.random.default_rng(3).normal(60, 2, size=12)
    draws = bootstrapped([12], lambda counts: counts @ values / 12, draws=20_000)
    theirs = stats.bootstrap(
        [values], np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(4)
    )
    low, high = percentile_interval(draws)
    assert low == pytest.approx(theirs.confidence_interval.low, abs=0.15)
    assert high == pytest.approx(theirs.confidence_interval.high, abs=0.15)


def test_percentiles_by_hand() -> None:
    low, high = percentile_interval(np.arange(1001.0))
    assert (float(low), float(high)) == pytest.approx((25.0, 975.0))
