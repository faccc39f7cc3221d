"""Corrupting one vector at a time: the shared way against prompts that are corrupted by hand."""

import numpy as np
import pytest
import torch

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.choices import REPLACE, RESCALE
from nemesis_sweep.spec.method import Method
from nemesis_sweep.testing.tiny_backbones import tiny_backbone as made_backbone
from nemesis_sweep.training import corruption
from nemesis_sweep.training.corruption import corrupt
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


# What is changed of CoCoOp is the vector that an image has shifted; its contract test has that.
CASES = [(each, operation) for each in IN_THE_TEXT for operation in STRENGTHS]


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
            assert np.array_equal(found.right[:, position, place], right)
            norms = vectors.norm(dim=-1).reshape(len(SEEDS), -1).mean(dim=1)
            np.testing.assert_allclose(found.after[:, position, place], norms, rtol=1e-5)
            changed += int((right.numpy() != found.before).any())
    assert changed, "nothing changed, so nothing was tested"


OUTSIDE = [
    {"prompt": "cocoop"},
    {"prompt": "deep_text"},
    {"prompt": "prefix"},
    {"prompt": "tcp"},
    {"prompt": "vpt", "n_ctx_vision": 2, "vision_last": 1},
    {"prompt": "maple"},
    {"prompt": "promptsrc", "n_ctx_vision": 2, "vision_last": 1},
]


@pytest.mark.parametrize("fields", OUTSIDE, ids=str)
def test_other_vectors_are_corrupted_too(fields) -> None:
    learner, images, labels = made(fields)
    count = learner.n_vectors
    found = corrupt(learner, SEEDS, images, labels, RESCALE, (0.0, 1.0))
    assert found.right.shape[:3] == (2, count, 2)
    assert np.array_equal(found.right[:, :, 1], np.broadcast_to(found.before[:, None], (2, count, IMAGES)))
    assert (found.after[:, :, 0] == 0).all()
    # Nothing in its place is nothing, whatever the noise.
    replaced = corrupt(learner, SEEDS, images, labels, REPLACE, (0.0, 40.0))
    assert np.array_equal(replaced.right[:, :, 0], found.right[:, :, 0])
    assert not np.array_equal(replaced.right[:, :, 1], replaced.right[:, :, 0])


def test_some_positions_are_those_of_all() -> None:
    learner, images, labels = made({"prompt": "coop"})
    for operation, strengths in STRENGTHS.items():
        every = corrupt(learner, SEEDS, images, labels, operation, strengths)
        some = corrupt(learner, SEEDS, images, labels, operation, strengths, positions=(4, 2))
        assert every.positions == (1, 2, 3, 4) and some.positions == (2, 4)
        assert np.array_equal(some.right, every.right[:, [1, 3]])
        assert np.array_equal(some.norms, every.norms[:, [1, 3]])
        assert np.array_equal(some.after, every.after[:, [1, 3]])


def test_a_position_beyond_the_context_is_refused() -> None:
    learner, images, labels = made({"prompt": "coop"})
    with pytest.raises(UserError, match=r"positions: no such position; found 5; allowed: 1 to 4"):
        corrupt(learner, SEEDS, images, labels, RESCALE, (0.1,), positions=(1, 5))


@pytest.mark.parametrize(("operation", "strength"), [(RESCALE, 3e38), (REPLACE, 3e38)])
def test_a_vector_beyond_all_numbers_has_nothing_right(operation, strength) -> None:
    """Its logits are no numbers, and the largest of these would be the first class."""
    learner, images, _ = made({"prompt": "coop"})
    first = torch.zeros(IMAGES, dtype=torch.int64)
    found = corrupt(learner, SEEDS, images, first, operation, (strength, 1.0))
    assert not found.right[:, :, 0].any() and found.right[:, :, 1].any()


def test_images_of_each_replicate_are_its_own() -> None:
    """As those of validation are; taken in several parts, as many images are."""
    learner, images, labels = made({"prompt": "coop"})
    own = torch.stack([images, images.flip(0)]), torch.stack([labels, labels.flip(0)])
    shared = corrupt(learner, SEEDS, images, labels, RESCALE, (0.1,))
    found = corrupt(learner, SEEDS, *own, RESCALE, (0.1,))
    assert np.array_equal(found.right[0], shared.right[0])
    assert np.array_equal(found.right[1], shared.right[1][..., ::-1])


def test_parts_are_those_of_the_whole(monkeypatch) -> None:
    learner, images, labels = made({"prompt": "coop"})
    whole = [corrupt(learner, SEEDS, images, labels, each, STRENGTHS[each]) for each in STRENGTHS]
    monkeypatch.setattr(corruption, "NUMBERS", 7 * len(SEEDS) * len(NAMES))
    parts = [corrupt(learner, SEEDS, images, labels, each, STRENGTHS[each]) for each in STRENGTHS]
    for one, other in zip(whole, parts, strict=True):
        assert np.array_equal(one.right, other.right) and np.array_equal(one.before, other.before)


def test_a_replicate_has_the_same_noise_beside_others() -> None:
    learner, images, labels = made({"prompt": "coop"})
    both = corrupt(learner, SEEDS, images, labels, REPLACE, (0.5,))
    values = {name: value[1:] for name, value in learner.values().items()}
    alone = type(learner)(learner.backbone, learner.method, NAMES, values, learner.template)
    found = corrupt(alone, SEEDS[1:], images, labels, REPLACE, (0.5,))
    assert np.array_equal(found.right[0], both.right[1])
    np.testing.assert_allclose(found.after[0], both.after[1], rtol=1e-6)
