from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nemesis_sweep.report.statistics.mean_ranks import mean_ranks


@pytest.mark.parametrize("values", [[], [3.0], [2.0, 2.0], [3.0, 1.0, 2.0, 1.0, 3.0, 3.0]])
def test_they_are_those_of_scipy(values: list[float]) -> None:
    assert mean_ranks(np.array(values)).tolist() == stats.rankdata(values).tolist()
