"""The numbers of a corruption: by hand, beside statsmodels, and how often chance is taken for an effect."""

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests

from nemesis_sweep.report.corruption import RATE, cells_of, corruption_table, false_discovery
from nemesis_sweep.training.corrupted import Corrupted


def grid(before, right, norms, after, strengths=(0.5, 2.0)):
    before, right, norms, after = map(np.asarray, (before, right, norms, after))
    seeds, positions = (tuple(range(1, count + 1)) for count in norms.shape)
    return Corrupted("rescale", strengths, positions, seeds, before, right, norms, after)


def small():
    """One seed, two positions, two strengths, ten images of which five were right."""
    before = [[True] * 5 + [False] * 5]
    better, worse = [[True] * 8 + [False] * 2, [True] * 2 + [False] * 8]
    right = [[[better, before[0]], [worse, better]]]
    return grid(before, right, [[4.0, 1.0]], [[[2.0, 8.0], [0.5, 2.0]]])


def test_changes_are_in_points() -> None:
    found = small()
    assert found.accuracy.tolist() == [[[80, 50], [20, 80]]]
    assert found.change.tolist() == [[[30, 0], [-30, 30]]]
    assert found.won.tolist() == [[[3, 0], [0, 3]]] and found.lost.tolist() == [[[0, 0], [3, 0]]]


def test_the_effect_is_a_lower_norm_and_a_higher_accuracy() -> None:
    assert small().low_norm.tolist() == [[[True, False], [False, False]]]
    often = cells_of(small()).frequency
    assert (often.pairs.score.mean, often.positions.score.mean, often.sure.mean) == (50, 50, 0)


def test_p_is_mcnemars_corrected_for_all_cells() -> None:
    # p is 1/4 for three images against none, 1 for no difference: 1/4 of 4 cells, three of them the same.
    assert cells_of(small()).q == pytest.approx(np.array([[[1 / 3, 1.0], [1 / 3, 1 / 3]]]))


def test_it_is_what_statsmodels_gives() -> None:
    random = np.random.default_rng(0)
    won, lost = random.poisson(15, (2, 3, 5, 4)), random.poisson(6, (2, 3, 5, 4))
    ours = false_discovery(won, lost)
    tables = [[[0, a], [b, 0]] for a, b in zip(won.flat, lost.flat, strict=True)]
    theirs = multipletests([their_mcnemar(each, exact=True).pvalue for each in tables], method="fdr_bh")[1]
    np.testing.assert_allclose(ours.flat, theirs, rtol=1e-9)
    assert 0 < (ours <= RATE).sum() < ours.size


def test_without_a_lower_norm_there_is_no_frequency() -> None:
    before = [[True, False]]
    assert cells_of(grid(before, [[before]], [[1.0]], [[[2.0]]], strengths=(2.0,))).frequency is None


def test_the_table_has_a_row_for_every_cell_and_the_prompt_as_learnt() -> None:
    first, *rows = corruption_table({"test": [cells_of(small())]}).to_pylist()
    assert (first["operation"], first["accuracy"], first["images"]) == ("original", 50, 10)
    assert first["position"] is None and first["norm"] is None
    assert len(rows) == 4
    assert rows[2] == {
        "split": "test", "operation": "rescale", "seed": 1, "position": 2, "strength": 0.5, "norm": 1.0,
        "norm_after": 0.5, "images": 10, "accuracy": 20.0, "won": 0, "lost": 3, "low_norm": False,
        "change": -30.0, "change_low": pytest.approx(-60), "change_high": pytest.approx(0),
        "q": pytest.approx(1 / 3),
    }  # fmt: skip


def with_changes(plus, minus, count):
    """One cell that wins and loses so many of so many images."""
    before = np.zeros((1, count), dtype=bool)
    before[:, :minus] = True
    right = np.zeros((1, 1, 1, count), dtype=bool)
    right[..., minus : minus + plus] = True
    return cells_of(grid(before, right, [[1.0]], [[[0.5]]], strengths=(0.5,)))


def test_an_interval_is_that_of_other_images() -> None:
    """Beside the normal approximation: the variance of a mean of n differences."""
    cells = with_changes(60, 40, 1000)
    spread = 196 * np.sqrt((0.1 - 0.02**2) / 1000)
    assert cells.low.item() == pytest.approx(2 - spread, abs=0.25)
    assert cells.high.item() == pytest.approx(2 + spread, abs=0.25)


@pytest.mark.parametrize(("plus", "minus", "interval"), [(1, 0, (0, 100)), (60, 10, (100, 100))])
def test_one_image_more_is_no_sure_frequency(plus, minus, interval) -> None:
    often = with_changes(plus, minus, 500).frequency
    assert often.pairs.score.mean == often.positions.score.mean == 100
    assert (often.pairs.low, often.pairs.high) == interval
    assert often.sure.mean == (100 if minus else 0)


def test_chance_alone_is_rarely_taken_for_an_effect() -> None:
    """200 grids whose cells hold one half of some predictions against the other half."""
    random = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        predictions = random.random(600) < 0.6
        halves = np.stack([random.permutation(predictions) for _ in range(24)]).reshape(24, 2, 300)
        won, lost = (halves[:, 0] & ~halves[:, 1]).sum(1), (~halves[:, 0] & halves[:, 1]).sum(1)
        found += bool((false_discovery(won, lost) <= RATE).any())
    # Nothing is there, so each grid with a finding is a false one. Binomial(200, 0.05) is above 20 once in
    # a thousand times.
    assert found <= 20 and RATE == 0.05


def test_a_planted_effect_is_found() -> None:
    random = np.random.default_rng(0)
    before = random.random((2, 300)) < 0.3
    right = np.repeat(np.repeat(before[:, None, None], 6, axis=1), 4, axis=2).copy()
    right[:, 3, 0] = random.random((2, 300)) < 0.6
    cells = cells_of(grid(before, right, np.ones((2, 6)), np.full((2, 6, 4), 0.5), (0.1, 0.2, 0.3, 0.4)))
    assert np.argwhere(cells.beyond_chance).tolist() == [[0, 3, 0], [1, 3, 0]]
    assert cells.frequency.sure.mean == pytest.approx(100 / 24)
