"""The numbers of a corruption: by hand, and how often chance alone is taken for an effect."""

import numpy as np
import pytest
import torch

from nemesis_sweep.report.corruption import RATE, cells_of, corruption_table, frequency
from nemesis_sweep.training.corruption import Corrupted


def grid(before, right, norms, after, strengths=(0.5, 2.0)):
    tensors = [torch.tensor(np.asarray(each)) for each in (before, right, norms, after)]
    return Corrupted("rescale", strengths, tuple(range(1, len(tensors[0]) + 1)), *tensors)


def small():
    """One seed, two positions, two strengths, ten images of which five were right."""
    before = [[True] * 5 + [False] * 5]
    better, worse = [[True] * 8 + [False] * 2, [True] * 2 + [False] * 8]
    right = [[[better, before[0]], [worse, better]]]
    return grid(before, right, [[4.0, 1.0]], [[[2.0, 8.0], [0.5, 2.0]]])


def test_changes_are_in_points() -> None:
    cells = cells_of(small())
    assert cells.accuracy.tolist() == [[[80, 50], [20, 80]]]
    assert cells.change.tolist() == [[[30, 0], [-30, 30]]]
    assert cells.won.tolist() == [[[3, 0], [0, 3]]] and cells.lost.tolist() == [[[0, 0], [3, 0]]]


def test_the_effect_is_a_lower_norm_and_a_higher_accuracy() -> None:
    cells = cells_of(small())
    assert cells.low_norm.tolist() == [[[True, False], [False, False]]]
    often = frequency(cells)
    assert (often.pairs.mean, often.positions.mean, often.sure.mean) == (50, 50, 0)


def test_p_is_mcnemars_corrected_for_all_cells() -> None:
    # p is 1/4 for three images against none, 1 for no difference: 1/4 of 4 cells, three of them the same.
    assert cells_of(small()).q == pytest.approx(np.array([[[1 / 3, 1.0], [1 / 3, 1 / 3]]]))


def test_without_a_lower_norm_there_is_no_frequency() -> None:
    before = [[True, False]]
    assert frequency(cells_of(grid(before, [[before]], [[1.0]], [[[2.0]]], strengths=(2.0,)))) is None


def test_the_table_has_a_row_for_every_cell() -> None:
    rows = corruption_table([cells_of(small())], "test").to_pylist()
    assert len(rows) == 4
    assert rows[2] == {
        "split": "test", "operation": "rescale", "strength": 0.5, "position": 2, "seed": 1, "norm": 1.0,
        "norm_after": 0.5, "accuracy": 20.0, "change": -30.0, "won": 0, "lost": 3,
        "q": pytest.approx(1 / 3), "low_norm": False,
    }  # fmt: skip


def test_chance_alone_is_rarely_taken_for_an_effect() -> None:
    """200 grids whose cells differ from the prompt as learnt by luck alone: as often won as lost."""
    random = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        before = random.random((1, 300)) < 0.6
        flips = random.random((1, 6, 4, 300)) < 0.1
        right = np.where(flips, random.random(flips.shape) < 0.6, before[:, None, None])
        found += bool(
            cells_of(grid(before, right, np.ones((1, 6)), np.ones((1, 6, 4)), (1.0,) * 4)).beyond_chance.any()
        )
    # Binomial(200, 0.05) is above 20 once in a thousand times.
    assert found <= 20 and RATE == 0.05


def test_a_planted_effect_is_found() -> None:
    random = np.random.default_rng(0)
    before = random.random((2, 300)) < 0.3
    right = np.repeat(np.repeat(before[:, None, None], 6, axis=1), 4, axis=2).copy()
    right[:, 3, 0] = random.random((2, 300)) < 0.6
    cells = cells_of(grid(before, right, np.ones((2, 6)), np.full((2, 6, 4), 0.5), (0.1, 0.2, 0.3, 0.4)))
    assert np.argwhere(cells.beyond_chance).tolist() == [[0, 3, 0], [1, 3, 0]]
    assert frequency(cells).sure.mean == pytest.approx(100 / 24)
