from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from nemesis_sweep.report.statistics.holm import holm


def test_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, and 0.04 is raised to 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize("seed", range(3))
def test_it_is_that_of_statsmodels(seed: int) -> None:
    ps = np.random.default_rng(seed).beta(0.5, 3, size=15).round(2)
    assert holm(ps.tolist()) == pytest.approx(multipletests(ps, method="holm")[1].tolist())


def test_a_comparison_without_p_does_not_count() -> None:
    assert holm([0.01, None, 0.04]) == [0.02, None, 0.04]
    assert holm([None, None]) == [None, None]
    assert holm([]) == []
