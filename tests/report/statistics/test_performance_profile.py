from __future__ import annotations

import math

import numpy as np
import pytest

from nemesis_sweep.report.statistics.bootstrap import drawn_counts
from nemesis_sweep.report.statistics.estimate import NOTHING
from nemesis_sweep.report.statistics.performance_profile import performance_profile

pytestmark = pytest.mark.filterwarnings("error")


def test_by_hand() -> None:
    told = performance_profile([[-1.0, 2.0], [0.0, 3.0]], [-2, -1, 0, 2.5, 3])
    assert told.share is not None
    # Above x, not at x: of -1, 0, 2, 3 three are above -1.
    assert told.share.tolist() == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert str(told.n) == "2 tasks x 2 replicates"


def test_the_band_is_that_of_the_same_resamples_the_plain_way() -> None:
    values, grid = np.array([-1.0, 2.0, 1.0, 0.0, 3.0]), np.array([-0.5, 0.5, 1.5])
    plain = [
        [(np.repeat(values, row) > x).mean() for x in grid]
        for counts in drawn_counts([3, 2], draws=200, seed=4)
        for row in counts.astype(int)
    ]
    told = performance_profile([values[:3].tolist(), values[3:].tolist()], grid, draws=200, seed=4)
    low, high = np.quantile(plain, [0.025, 0.975], axis=0)
    assert told.low == pytest.approx(low)
    assert told.high == pytest.approx(high)


def test_one_replicate_a_task_has_no_band() -> None:
    told = performance_profile([[1.0], [2.0]], [0.0, 1.5])
    assert told.share is not None
    assert (told.share.tolist(), told.low, told.high) == ([1.0, 0.5], None, None)
    assert told.why == "no interval: one replicate a task"


def test_without_values_there_is_no_profile() -> None:
    told = performance_profile([[math.nan]], [0.0])
    assert (told.share, told.low, told.why, told.n.left_out) == (None, None, NOTHING, 1)
