from __future__ import annotations

import math

import pytest

from nemesis_sweep.report.statistics.critical_difference import critical_difference


@pytest.mark.parametrize(
    ("methods", "quantile"),
    [
        (2, 1.960),
        (3, 2.343),
        (4, 2.569),
        (5, 2.728),
        (6, 2.850),
        (7, 2.949),
        (8, 3.031),
        (9, 3.102),
        (10, 3.164),
    ],
)
def test_the_quantiles_of_demsars_table(methods: int, quantile: float) -> None:
    per_quantile = math.sqrt(methods * (methods + 1) / (6 * 14))
    assert critical_difference(methods, 14) == pytest.approx(quantile * per_quantile, abs=1e-3)


def test_demsars_example() -> None:
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)


def test_there_is_none_of_one_method_or_no_task() -> None:
    assert critical_difference(1, 14) is None
    assert critical_difference(4, 0) is None
