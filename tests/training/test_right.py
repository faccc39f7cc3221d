"""What logits have right."""

import torch

from nemesis_sweep.training.right import right


def test_the_largest_is_named() -> None:
    logits = torch.randn(3, 50, 7, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(7, (3, 50), generator=torch.Generator().manual_seed(1))
    assert torch.equal(right(logits, labels), logits.argmax(dim=-1) == labels)
    assert right(logits, labels).any()


def test_logits_that_are_no_numbers_have_nothing_right() -> None:
    logits = torch.tensor([[float("nan"), 0.0], [1.0, float("nan")], [2.0, 1.0]])
    for label in (0, 1):
        assert right(logits, torch.full((3,), label)).tolist() == [False, False, label == 0]
