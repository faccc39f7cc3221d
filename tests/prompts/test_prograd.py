"""What ProGrad takes out of a gradient, and that it takes something out of CoOp's."""

import pytest
import torch

from nemesis_sweep.prompts.prograd import divergence, projected
from nemesis_sweep.training.trainer import Trainer
from tests.prompts.test_contract import NAMES, TEMPLATE, batch, made


def test_what_goes_against_the_guide_is_taken_out_replicate_by_replicate():
    gradients = [torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]]), torch.tensor([[0.0], [0.0]])]
    guides = [torch.tensor([[[-1.0, 1.0]], [[1.0, 1.0]]]), torch.tensor([[1.0], [1.0]])]
    found = projected(gradients, guides, 1.0)
    # g . h = -1 and |h|^2 = 3 in the first replicate; the second one's gradient goes along.
    torch.testing.assert_close(found[0], torch.tensor([[[2 / 3, 1 / 3]], [[1.0, 0.0]]]))
    torch.testing.assert_close(found[1], torch.tensor([[1 / 3], [0.0]]))
    products = sum((a * b).flatten(1).sum(dim=1) for a, b in zip(found, guides, strict=True))
    assert products[0] == pytest.approx(0, abs=1e-7)
    half = projected(gradients, guides, 0.5)
    torch.testing.assert_close(half[0][0], (gradients[0][0] + found[0][0]) / 2)
    none = projected(gradients, [torch.zeros_like(guide) for guide in guides], 1.0)
    assert all(torch.equal(a, b) for a, b in zip(none, gradients, strict=True))


def test_the_divergence_is_least_where_both_agree():
    zero_shot = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    least = divergence(zero_shot, zero_shot)
    assert least.shape == (2,)
    assert (divergence(zero_shot + torch.eye(5, 4), zero_shot) > least).all()


@pytest.mark.parametrize("kind", ["coop", "kgcoop"])
def test_it_changes_steps_and_only_where_the_two_point_apart(backbones, kind):
    """Labels that the template's own answers contradict."""
    with_it, without = (
        Trainer(backbones[kind], NAMES, made(kind, "none", prograd=value), (1, 2), TEMPLATE)
        for value in (1.0, 0.0)
    )
    changed = 0
    for seed in range(4):
        images, labels = batch(with_it.learner, 2, seed=seed)
        for trainer in (with_it, without):
            trainer.learner.load_state_dict(without.learner.state_dict())
            trainer.step(images, labels, 1)
        (a,), (b,) = with_it.parameters.values(), without.parameters.values()
        changed += int(((a.grad - b.grad).flatten(1).norm(dim=1) > 1e-6 * b.grad.norm()).sum())
    assert changed > 0
