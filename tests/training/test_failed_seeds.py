"""A prompt of which a seed's training failed: what comes of it is refused, and the others work."""

from dataclasses import replace

import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.testing.colours import picture
from nemesis_sweep.training.corruption import corrupt, learner_of_prompt


@pytest.fixture(scope="module")
def prompt(tiny_backbone, colours):
    """Finite vectors of seed 2, whose square is not."""
    trained = ns.fit(
        tiny_backbone, colours, {"n_ctx": 2, "epochs": 1, "views": 1}, shots=1, seeds=(1, 2, 3)
    ).prompt
    context = trained.context.clone()
    context[1] = 1e30
    return replace(trained, tensors={"context": context})


FAILED = r"seed: the training of this prompt has failed.*; found 2; allowed: "


def test_images_are_classified_by_the_others(prompt, tiny_backbone):
    images = [picture((200, 60, 30), seed=1)]
    with pytest.raises(UserError, match=FAILED + "seed 1 or 3"):
        ns.Classifier(prompt, tiny_backbone).probabilities(images)
    with pytest.raises(UserError, match=FAILED + "another prompt"):
        ns.Classifier(prompt, tiny_backbone, seed=2).probabilities(images)
    assert ns.Classifier(prompt, tiny_backbone, seed=3).probabilities(images).isfinite().all()


def test_there_are_no_text_features_of_it(prompt, tiny_backbone):
    with pytest.raises(UserError, match=FAILED + "another prompt"):
        _ = ns.Classifier(prompt, tiny_backbone, seed=2).text_features


def test_it_is_not_corrupted(prompt, tiny_backbone):
    learner = learner_of_prompt(prompt, tiny_backbone)
    images, labels = torch.randn(4, tiny_backbone.embed_dim), torch.tensor([0, 1, 2, 3])
    with pytest.raises(UserError, match=FAILED + "seed 1 or 3"):
        corrupt(learner, prompt.seeds, images, labels, "rescale", (0.5,))
