"""Corrupting one vector at a time: the shared way against prompts that are corrupted by hand."""

import pytest
import torch

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.method import Method
from nemesis_sweep.testing.tiny_backbones import tiny_backbone as made_backbone
from nemesis_sweep.training.corruption import REPLACE, RESCALE, corrupt
from nemesis_sweep.training.generators import seeded

SEEDS = (3, 5)
NAMES = ("a red square", "blue", "green field")
IMAGES = 40
STRENGTHS = {RESCALE: (0.1, 3.0), REPLACE: (0.0, 0.5)}
IN_THE_TEXT = [
    {"prompt": "coop"},
    {"prompt": "coop", "csc": True},
    {"prompt": "coop", "class_position": "middle"},
    {"prompt": "kgcoop"},
    {"prompt": "cocoop"},
    {"prompt": "plot", "n_prompts": 2},
]


def made(fields):
    """A prompt with large vectors, so that corruption matters, and random images with labels."""
    method = Method(n_ctx=4, **fields)
    kind = learner_of(method.prompt)
    backbone = made_backbone(kind.reads)
    learner = kind.create(backbone, method, NAMES, [seeded(seed, "init") for seed in SEEDS])
    with torch.no_grad():
        for name, parameter in learner.named_parameters():
            parameter *= 40 if name == "context" else 1
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(IMAGES, *learner.image_shape, generator=generator)
    images = images / images.norm(dim=-1, keepdim=True)
    return learner, images, torch.randint(len(NAMES), (IMAGES,), generator=generator)


def by_hand(learner, images, labels, position, vectors):
    """What is right when the vectors ``(R, ...)`` stand at a position."""
    values = {name: value.clone() for name, value in learner.values().items()}
    values["context"][..., position, :] = vectors
    own = type(learner)(learner.backbone, learner.method, learner.classnames, values, learner.template)
    with torch.no_grad():
        return own.classifier()(images.expand(len(SEEDS), *images.shape)).argmax(dim=-1) == labels


# What PAN scales of CoCoOp is the vector that an image has shifted; its contract test has that.
CASES = [
    (each, op) for each in IN_THE_TEXT for op in STRENGTHS if (each["prompt"], op) != ("cocoop", RESCALE)
]


@pytest.mark.parametrize(("fields", "operation"), CASES, ids=str)
def test_every_cell_is_that_of_a_prompt_corrupted_by_hand(fields, operation) -> None:
    learner, images, labels = made(fields)
    found = corrupt(learner, SEEDS, images, labels, operation, STRENGTHS[operation])
    context = learner.values()["context"]
    noise = torch.stack([torch.randn(context.shape[1:], generator=seeded(s, "corruption")) for s in SEEDS])
    assert found.before.shape == (2, IMAGES) and found.right.shape == (2, 4, 2, IMAGES)
    changed = 0
    for position in range(4):
        for place, strength in enumerate(STRENGTHS[operation]):
            of = context if operation == RESCALE else noise
            vectors = strength * of[..., position, :]
            right = by_hand(learner, images, labels, position, vectors)
            assert torch.equal(found.right[:, position, place], right)
            norms = vectors.norm(dim=-1).reshape(len(SEEDS), -1).mean(dim=1)
            torch.testing.assert_close(found.after[:, position, place], norms)
            changed += int((right != found.before).any())
    assert changed, "nothing changed, so nothing was tested"


@pytest.mark.parametrize("kind", ["deep_text", "prefix", "vpt", "maple", "promptsrc"])
def test_vectors_outside_the_text_are_rescaled_too(kind) -> None:
    more = {"n_ctx_vision": 2, "vision_last": 1} if kind in ("vpt", "promptsrc") else {}
    learner, images, labels = made({"prompt": kind, **more})
    found = corrupt(learner, SEEDS, images, labels, RESCALE, (0.0, 1.0))
    assert found.right.shape[:3] == (2, learner.n_vectors, 2)
    assert torch.equal(found.right[:, :, 1], found.before[:, None].expand(-1, learner.n_vectors, -1))
    assert found.after[:, :, 0].eq(0).all()


def test_vectors_that_are_not_in_the_text_cannot_be_replaced() -> None:
    learner, images, labels = made({"prompt": "deep_text"})
    with pytest.raises(UserError, match=r"cannot be replaced.*rescale"):
        corrupt(learner, SEEDS, images, labels, REPLACE, (0.1,))


def test_a_replicate_has_the_same_noise_beside_others() -> None:
    learner, images, labels = made({"prompt": "coop"})
    both = corrupt(learner, SEEDS, images, labels, REPLACE, (0.5,))
    values = {name: value[1:] for name, value in learner.values().items()}
    alone = type(learner)(learner.backbone, learner.method, NAMES, values, learner.template)
    found = corrupt(alone, SEEDS[1:], images, labels, REPLACE, (0.5,))
    assert torch.equal(found.right[0], both.right[1])
    torch.testing.assert_close(found.after[0], both.after[1])
