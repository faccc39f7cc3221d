from __future__ import annotations

import pytest

from nemesis_sweep.report.statistics.gain import Gain, paired_gain, student_t


@pytest.mark.parametrize(("degrees", "quantile"), [(1, 12.706), (2, 4.303), (9, 2.262), (1000, 1.962)])
def test_student_t_equals_the_printed_tables(degrees: int, quantile: float) -> None:
    assert student_t(degrees) == pytest.approx(quantile, abs=5e-4)


def test_paired_gain_by_hand() -> None:
    gain = paired_gain([61.0, 64.0, 66.0], [60.0, 61.0, 64.0])
    # Differences 1, 3, 2: mean 2, standard deviation 1, margin 4.3027 / sqrt(3).
    assert gain.mean == pytest.approx(2.0)
    assert gain.low == pytest.approx(2 - 2.4841, abs=1e-3)
    assert gain.high == pytest.approx(2 + 2.4841, abs=1e-3)
    assert not gain.beyond_noise


def test_one_replicate_has_no_interval() -> None:
    assert paired_gain([61.0], [60.0]) == Gain(1.0, None, None, 1)
    assert not paired_gain([61.0], [60.0]).beyond_noise


def test_pairs_must_match() -> None:
    with pytest.raises(ValueError, match="3 and 2"):
        paired_gain([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="0 and 0"):
        paired_gain([], [])
