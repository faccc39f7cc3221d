"""The choice on validation images: by accuracy, then by loss, then the first."""

import math

import torch

from nemesis_sweep.training.references.selection import best_of, better, of_each, scores
from tests.training.references.plain import cross_entropy


def test_scores_are_accuracy_and_mean_cross_entropy():
    logits = torch.randn(3, 2, 7, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = torch.arange(14).view(2, 7) % 4
    logits[2, 1, 0, 0] = math.nan
    accuracy, loss = scores(logits, labels)
    for setting in range(3):
        for replicate in range(2):
            if (setting, replicate) == (2, 1):
                assert accuracy[setting, replicate] == -1 and loss[setting, replicate] == math.inf
                continue
            own = logits[setting, replicate]
            right = int((own.argmax(dim=1) == labels[replicate]).sum())
            torch.testing.assert_close(float(accuracy[setting, replicate]), 100 * right / 7)
            torch.testing.assert_close(loss[setting, replicate], cross_entropy(own, labels[replicate]))


def test_the_best_has_the_highest_accuracy_then_the_lowest_loss_and_is_the_first():
    accuracy = torch.tensor([[50.0, 20.0, -1.0], [60.0, 20.0, -1.0], [60.0, 20.0, -1.0]])
    loss = torch.tensor([[0.1, 0.5, math.inf], [0.9, 0.5, math.inf], [0.8, 0.4, math.inf]])
    assert best_of(accuracy, loss).tolist() == [2, 2, 0]
    assert best_of(accuracy, torch.zeros(3, 3)).tolist() == [1, 0, 0]
    assert of_each(loss, torch.tensor([2, 0, 1])).tolist() == [loss[2, 0], loss[0, 1], loss[1, 2]]
    new = better(accuracy[1:], loss[1:], (accuracy[:1], loss[:1]))
    assert new.tolist() == [[True, False, False], [True, True, False]]
