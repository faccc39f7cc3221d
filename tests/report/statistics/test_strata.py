from __future__ import annotations

import math

import pytest

from nemesis_sweep.report.statistics.strata import strata


def test_what_is_not_finite_is_left_out_and_counted() -> None:
    sample = strata([[1.0, math.nan, 3.0], [5.0], [math.nan, -math.inf], []])
    assert sample.values.tolist() == [1.0, 3.0, 5.0]
    assert sample.sizes == (2, 1)
    assert sample.n.left_out == 3
    assert str(sample.n) == "2 tasks x 1 to 2 replicates (3 failed replicates left out)"


@pytest.mark.parametrize(
    ("sizes", "text"), [([3, 3], "2 tasks x 3 replicates"), ([1], "1 task x 1 replicate"), ([], "0 tasks")]
)
def test_the_sample_size_in_words(sizes: list[int], text: str) -> None:
    assert str(strata([[0.5] * size for size in sizes]).n).startswith(text)


def test_every_task_has_the_same_weight() -> None:
    sample = strata([[1.0, 3.0], [8.0]])
    assert sample.weights.tolist() == [0.25, 0.25, 0.5]
    assert sample.values @ sample.weights == pytest.approx(5.0)
