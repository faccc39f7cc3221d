from __future__ import annotations

import math

import pytest

from nemesis_sweep.report.statistics.replicates import rounded, score


def test_score_has_the_sample_standard_deviation() -> None:
    three = score([60.0, 62.0, 67.0])
    assert three.mean == pytest.approx(63.0)
    assert three.std == pytest.approx(math.sqrt((9 + 1 + 16) / 2))
    assert three.n == 3
    assert score([60.0]).std is None


def test_negative_zero_is_not_shown() -> None:
    assert f"{rounded(-0.04):+.1f} {rounded(-0.06):+.1f} {rounded(12.34):+.1f}" == "+0.0 -0.1 +12.3"
