"""CoCoOp: a batch in several passes is the batch in one, and memory stays in its bounds."""

import pytest
import torch

from nemesis_sweep.prompts import per_image
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.trainer import Trainer
from tests.prompts.test_contract import NAMES, batch, made


@pytest.mark.parametrize(("position", "precision"), [("end", "fp32"), ("front", "fp32"), ("end", "fp16")])
def test_several_passes_are_one(tiny_backbone, monkeypatch, position, precision):
    """Losses, PAN's choices, gradients: with recomputed states, and without."""
    method = made("cocoop", "mix", class_position=position, precision=precision)
    near = 1e-4 if precision == "fp32" else 1e-2
    found = []
    for size in (2**30, 1):
        monkeypatch.setattr(per_image, "PASS_BYTES", size)
        trainer = Trainer(tiny_backbone, NAMES, method, (1, 2))
        images, labels = batch(trainer.learner, 2)
        step = trainer.step(images, labels, 2, torch.tensor([[0, 2], [1, 0]]))
        with torch.no_grad():
            logits = trainer.learner.classifier()(images)
        found.append((step.loss, step.selected, trainer.learner.context.grad, logits))
    for whole, parts in zip(*found, strict=True):
        torch.testing.assert_close(parts, whole, rtol=near, atol=near / 10)


def test_a_pass_is_one_context_at_the_least_and_as_many_as_have_room(tiny_backbone, monkeypatch):
    seen = []
    encode = per_image.encode

    def recorded(tower, layout, contexts):
        seen.append(len(contexts))
        return encode(tower, layout, contexts)

    monkeypatch.setattr(per_image, "encode", recorded)
    trainer = Trainer(tiny_backbone, NAMES, made("cocoop", "none"), (1, 2))
    images, labels = batch(trainer.learner, 2)
    trainer.step(images, labels, 1)
    assert seen == [12]
    each = per_image.states_bytes(tiny_backbone.text, trainer.learner.layout)
    monkeypatch.setattr(per_image, "PASS_BYTES", 5 * each + 1)
    seen.clear()
    with torch.no_grad():
        trainer.learner.classifier()(images)
    assert seen == [5, 5, 2]


def test_a_test_of_many_images_tells_how_far_it_is(tiny_backbone, monkeypatch):
    monkeypatch.setattr(per_image.PerImageClassifier, "chunk", 4)
    learner = Trainer(tiny_backbone, NAMES, made("cocoop", "none"), (1,)).learner
    images, labels = batch(learner, 1, size=10)
    lines = []
    accuracy, _ = evaluate(images[0], labels[0], learner.classifier(), lines.append)
    assert lines[0] == "evaluating 10 images: begins" and "10 of 10 images" in lines[-1]
    with torch.no_grad():
        right = (learner.classifier()(images).argmax(dim=-1) == labels).double().mean(dim=1)
    torch.testing.assert_close(accuracy, 100 * right)
