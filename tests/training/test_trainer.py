"""The training step against the published way of doing it, and replicates that do not disturb each other."""

import pytest
import torch

from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.trainer import Trainer
from tests.training.reference import PlainNemesis

NAMES = ("red", "green", "blue", "a very dark grey")


def batches(
    replicates: int, steps: int, seed: int = 0, size: int = 8
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Image features ``(R, B, E)`` that lie around one direction a class, and their labels."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(len(NAMES), 32, generator=generator)
    made = []
    for _ in range(steps):
        labels = torch.randint(len(NAMES), (replicates, size), generator=generator)
        noise = torch.randn(replicates, size, 32, generator=generator)
        made.append((torch.nn.functional.normalize(directions[labels] + 2 * noise, dim=-1), labels))
    return made


METHODS = {
    "plain CoOp": {},
    "PUN": {"omega": 5.0},
    "PAN": {"omega": 5.0, "beta": 0.0, "n_positions": 3, "corruption": 0.2},
    "PAN that amplifies": {"omega": 5.0, "beta": 0.0, "n_positions": 4, "corruption": 3.0},
    "PAN that replaces": {
        "omega": 5.0,
        "beta": 0.0,
        "n_positions": 3,
        "corrupt_by": "replace",
        "corruption": 0.3,
    },
    "PAN that replaces, one context a class": {
        "omega": 5.0,
        "beta": 0.0,
        "n_positions": 2,
        "corrupt_by": "replace",
        "csc": True,
    },
    "mixed": {"omega": 2.0, "beta": 0.3, "n_positions": 2},
    "PAN, name in the middle": {"omega": 5.0, "beta": 0.0, "n_positions": 4, "class_position": "middle"},
    "PAN, name in front": {"omega": 5.0, "beta": 0.0, "n_positions": 4, "class_position": "front"},
    "PAN, one context a class": {"omega": 5.0, "beta": 0.0, "n_positions": 4, "csc": True},
}


@pytest.mark.parametrize("settings", METHODS.values(), ids=METHODS.keys())
def test_every_step_equals_the_published_way(tiny_backbone, settings):
    """Losses, selected positions and contexts, for three replicates at once against one after the other."""
    method = Method(n_ctx=4, epochs=6, lr=0.1, **settings)
    trainer = Trainer(tiny_backbone, NAMES, method, seeds=(1, 2, 3))
    plain = [
        PlainNemesis(tiny_backbone, NAMES, method, context, seed)
        for seed, context in enumerate(trainer.learner.context.detach().clone(), 1)
    ]
    selected_ever = 0
    for number, (images, labels) in enumerate(batches(3, steps=12)):
        epoch = number // 2
        positions = torch.stack(
            [torch.randperm(4, generator=torch.Generator().manual_seed(97 * number + r)) for r in range(3)]
        )
        positions = positions[:, : method.n_positions]
        step = trainer.step(images, labels, epoch, positions)
        for r, reference in enumerate(plain):
            loss, chosen = reference.step(images[r], labels[r], epoch, positions[r].tolist())
            assert float(step.loss[r]) == pytest.approx(loss, rel=1e-5)
            assert step.selected[r].nonzero().flatten().tolist() == sorted(chosen)
            selected_ever += len(chosen)
    together = torch.stack([reference.context.detach() for reference in plain])
    # Twelve steps let rounding grow; it stays four orders below the vectors themselves.
    assert (trainer.learner.context.detach() - together).norm() <= 1e-4 * together.norm()
    assert selected_ever > 0 or method.beta == 1


@pytest.mark.parametrize("corrupt_by", ["rescale", "replace"])
def test_a_replicate_is_the_same_alone_and_among_others(tiny_backbone, corrupt_by):
    """50 steps of PAN with drawn positions."""
    method = Method(n_ctx=4, epochs=10, omega=5.0, beta=0.0, n_positions=2, corrupt_by=corrupt_by)
    among = Trainer(tiny_backbone, NAMES, method, seeds=(7, 8, 9))
    alone = Trainer(tiny_backbone, NAMES, method, seeds=(8,))
    for number, (images, labels) in enumerate(batches(3, steps=50)):
        among.step(images, labels, number // 5)
        alone.step(images[1:2], labels[1:2], number // 5)
    torch.testing.assert_close(among.learner.context[1], alone.learner.context[0], rtol=1e-5, atol=1e-6)


def test_a_failed_replicate_is_frozen_and_its_neighbours_go_on(tiny_backbone):
    method = Method(n_ctx=4, epochs=10, omega=5.0)
    broken = Trainer(tiny_backbone, NAMES, method, seeds=(1, 2, 3))
    healthy = Trainer(tiny_backbone, NAMES, method, seeds=(1, 2, 3))
    frozen = None
    for number, (images, labels) in enumerate(batches(3, steps=8)):
        healthy.step(images, labels, number)
        if number == 4:
            # Finite, but its square is not.
            with torch.no_grad():
                broken.learner.context[1, 2] = 1e30
            frozen = broken.learner.context[1].detach().clone()
        step = broken.step(images, labels, number)
    assert broken.failed == [1]
    assert not step.loss[1].isfinite()
    assert step.loss[[0, 2]].isfinite().all()
    assert torch.equal(broken.learner.context[1], frozen)
    for r in (0, 2):
        torch.testing.assert_close(
            broken.learner.context[r], healthy.learner.context[r], rtol=1e-5, atol=1e-6
        )


def test_noise_moves_no_other_draw(tiny_backbone):
    """Positions, views and order have generators of their own."""
    states = []
    for corrupt_by in ("rescale", "replace"):
        method = Method(n_ctx=4, omega=5.0, beta=0.0, n_positions=2, corrupt_by=corrupt_by)
        trainer = Trainer(tiny_backbone, NAMES, method, seeds=(7, 8))
        for number, (images, labels) in enumerate(batches(2, steps=3)):
            trainer.step(images, labels, number)
        states.append({name: value for name, value in trainer.state().items() if "generator" in name})
    moved = [name for name, value in states[0].items() if not torch.equal(value, states[1][name])]
    assert moved == ["generator.noise"]


def test_a_state_without_noise_is_one_of_an_earlier_version(tiny_backbone):
    method = Method(n_ctx=4, omega=5.0, beta=0.0, corrupt_by="replace")
    trainer, other = (Trainer(tiny_backbone, NAMES, method, seeds=(7,)) for _ in range(2))
    state = trainer.state()
    del state["generator.noise"]
    other.load_state(state)
    assert torch.equal(other.state()["generator.noise"], trainer.state()["generator.noise"])


def test_given_words_are_the_start_and_decide_n_ctx(tiny_backbone):
    trainer = Trainer(tiny_backbone, NAMES, Method(words="a photo of a"), seeds=(1, 2))
    ids = tiny_backbone.tokenizer(["a photo of a"])[0, 1:5]
    expected = tiny_backbone.text.token_embedding(ids)
    assert trainer.learner.context.shape == (2, 4, 64)
    assert torch.equal(trainer.learner.context[1], expected)


def test_fields_of_other_kinds_do_nothing(tiny_backbone) -> None:
    """ProGrad is CoOp's and KgCoOp's; a method holds the fields of all kinds."""
    learnt = []
    for prograd in (0.0, 1.0):
        method = Method(prompt="deep_text", n_ctx=2, prograd=prograd, lr=0.1)
        trainer = Trainer(tiny_backbone, NAMES, method, (1,))
        for images, labels in batches(1, 3):
            trainer.step(images, labels, 0)
        learnt.append(trainer.learner.context.detach())
    assert torch.equal(*learnt)
