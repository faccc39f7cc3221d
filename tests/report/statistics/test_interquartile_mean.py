from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from nemesis_sweep.report.statistics.bootstrap import drawn_counts
from nemesis_sweep.report.statistics.interquartile_mean import interquartile_mean


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 30])
def test_it_is_the_trimmed_mean_of_scipy(size: int) -> None:
    values = np.random.default_rng(size).normal(size=size).round(1)
    expected = stats.trim_mean(values, 0.25)
    assert interquartile_mean([values.tolist()]).value == pytest.approx(expected)
    assert interquartile_mean([[value] for value in values]).value == pytest.approx(expected)


def test_by_hand() -> None:
    # Sorted: -9 | 1 2 3 | 50 after one of five is cut at either end.
    assert interquartile_mean([[50.0, 1.0], [3.0, -9.0, 2.0]]).value == pytest.approx(2.0)


def test_every_resample_is_trimmed_as_scipy_would() -> None:
    tasks = [[1.0, 4.0, -2.0], [0.5, 0.5], [9.0, 2.0, 2.0, -7.0]]
    values, sizes = np.concatenate(tasks), [3, 2, 4]
    plain = [
        stats.trim_mean(np.repeat(values, row), 0.25)
        for counts in drawn_counts(sizes, draws=300, seed=5)
        for row in counts.astype(int)
    ]
    told = interquartile_mean(tasks, draws=300, seed=5)
    assert (told.low, told.high) == pytest.approx(tuple(np.quantile(plain, [0.025, 0.975])))


def test_the_interval_is_that_of_all_resamples() -> None:
    tasks = [[0.0, 1.0, 5.0], [2.0, 3.0, 8.0]]
    every = [[*first, *second] for first, second in product(*(product(task, repeat=3) for task in tasks))]
    expected = np.quantile(stats.trim_mean(every, 0.25, axis=1), [0.025, 0.975])
    told = interquartile_mean(tasks, draws=40_000)
    assert (told.low, told.high) == pytest.approx(tuple(expected), abs=0.3)
