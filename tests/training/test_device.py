"""Everything that a step makes stands where the towers are, not on torch's default device."""

import pytest
import torch

from nemesis_sweep.prompts import coop
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm.variants import encode_variants
from tests.training.test_trainer import NAMES, batches

CPU = torch.device("cpu")


@pytest.mark.parametrize("selection", ["accuracy", "random"])
@pytest.mark.parametrize("csc", [False, True])
@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_a_step_follows_the_towers(tiny_backbone, monkeypatch, selection, csc, beta):
    """With another default device, a tensor made without naming its device would not fit the others."""
    given = []

    def recorded(tower, layout, context, positions, scales, **more):
        given.extend(tensor.device for tensor in (context, positions, scales))
        return encode_variants(tower, layout, context, positions, scales, **more)

    monkeypatch.setattr(coop, "encode_variants", recorded)
    method = Method(n_ctx=4, epochs=5, omega=3.0, beta=beta, selection=selection, csc=csc)
    trainer = Trainer(tiny_backbone, NAMES, method, seeds=(1, 2))
    positions = torch.tensor([[0], [2]])
    first, second = batches(2, steps=2)
    trainer.step(*first, 1, positions)
    with torch.device("meta"):
        step = trainer.step(*second, 2, positions)
        classifier = trainer.learner.classifier()
        accuracy, loss = evaluate(second[0], second[1], classifier)
    assert {value.device for value in vars(step).values()} == {CPU}
    made = (trainer.learner.context, trainer.alive, classifier.texts, accuracy, loss)
    assert {tensor.device for tensor in made} == {CPU}
    assert set(given) <= {CPU}
    assert bool(given) == (beta == 0 and selection == "accuracy")
    assert step.loss.isfinite().all()


def test_a_backbone_stays_where_it_is_unless_told(tiny_backbone):
    assert tiny_backbone.to(device="cpu") is tiny_backbone
    assert tiny_backbone.to(precision="bf16").text.device == CPU
    assert tiny_backbone.text.to(torch.device("cpu")) is tiny_backbone.text
