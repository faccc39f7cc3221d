from __future__ import annotations

import numpy as np
import pytest

from nemesis_sweep.report.statistics.bootstrap import drawn_counts
from nemesis_sweep.report.statistics.mean_gain import mean_gain


def test_a_task_counts_once_however_many_replicates_it_has() -> None:
    assert mean_gain([[1.0, 3.0], [8.0]]).value == pytest.approx(5.0)


def test_the_interval_is_that_of_the_same_resamples_the_plain_way() -> None:
    tasks = [[1.0, 4.0, -2.0], [0.5, 2.5]]
    plain = []
    for counts in drawn_counts([3, 2], draws=200, seed=9):
        for row in counts.astype(int):
            first, second = np.repeat(tasks[0], row[:3]), np.repeat(tasks[1], row[3:])
            plain.append((first.mean() + second.mean()) / 2)
    told = mean_gain(tasks, draws=200, seed=9)
    assert (told.low, told.high) == pytest.approx(tuple(np.quantile(plain, [0.025, 0.975])))
