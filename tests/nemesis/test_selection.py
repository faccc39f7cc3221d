"""PAN's rule: a drawn position is penalised iff corrupting it classifies strictly more correctly."""

import torch

from nemesis_sweep.nemesis.selection import at_random, by_accuracy, draw_positions, position_mask
from nemesis_sweep.training.generators import seeded


def test_only_strictly_more_correct_counts():
    correct = torch.tensor([10, 20])
    corrupted = torch.tensor([[9, 10, 11], [19, 21, 20]])
    assert by_accuracy(correct, corrupted).tolist() == [[False, False, True], [False, True, False]]


def test_the_control_selects_every_drawn_position():
    assert at_random(torch.tensor([3]), torch.tensor([[0, 9]])).tolist() == [[True, True]]


def test_positions_are_distinct_and_the_replicates_own():
    both = draw_positions(16, 5, [seeded(1, "positions"), seeded(2, "positions")])
    alone = draw_positions(16, 5, [seeded(2, "positions")])
    assert both.shape == (2, 5)
    assert all(len(set(row)) == 5 for row in both.tolist())
    assert both[1].tolist() == alone[0].tolist()


def test_the_mask_marks_selected_positions_only():
    positions = torch.tensor([[3, 0], [1, 2]])
    selected = torch.tensor([[True, False], [True, True]])
    assert position_mask(positions, selected, 4).tolist() == [
        [False, False, False, True],
        [False, True, True, False],
    ]
