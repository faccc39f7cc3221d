"""TCP: its network, what it is made of, where its vectors enter, and what is refused."""

from dataclasses import replace

import pytest
import torch
from open_clip.model import CLIP

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.prompts.tcp import TCP, class_block
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm.from_open_clip import backbone_from_open_clip
from tests.prompts.plain import tcp_vectors, template_features
from tests.prompts.test_contract import NAMES, TEMPLATE, batch, made


def started(backbone, names=NAMES, **settings):
    method = made("tcp", **{"penalty": "none", **settings})
    return Trainer(backbone, names, method, (1, 2), TEMPLATE)


def with_blocks(backbone, layers):
    """A backbone with a text tower of so many blocks."""
    text = {"width": 64, "heads": 2, "layers": layers, "context_length": 77, "vocab_size": 49408}
    vision = {"image_size": 32, "patch_size": 16, "width": 64, "layers": 1, "head_width": 32}
    model = CLIP(embed_dim=32, vision_cfg=vision, text_cfg=text)
    return backbone_from_open_clip(model, backbone.tokenizer, name="other")


def test_it_begins_as_a_context_and_torchs_own_layers(backbones):
    learner = started(backbones["tcp"]).learner
    shapes = {name: tuple(value.shape) for name, value in learner.values().items()}
    assert shapes == {
        "context": (2, 3, 64),
        "inner_weight": (2, 8, 32),
        "inner_bias": (2, 8),
        "outer_weight": (2, 192, 8),
        "outer_bias": (2, 192),
    }
    assert float(learner.context.detach().std()) == pytest.approx(0.02, rel=0.2)
    for layer, inputs in (("inner", 32), ("outer", 8)):
        for part in ("weight", "bias"):
            drawn = getattr(learner, f"{layer}_{part}").detach()
            assert float(drawn.abs().max()) == pytest.approx(inputs**-0.5, rel=0.2)
            assert float(drawn.abs().max()) <= inputs**-0.5
            assert not torch.equal(*drawn)


def test_the_vectors_of_a_class_are_made_of_its_own_feature(backbones):
    learner = started(backbones["tcp"]).learner
    found = learner.class_vectors()
    for r in range(2):
        own = {name: value[r] for name, value in learner.values().items()}
        torch.testing.assert_close(found[r], tcp_vectors(learner, own))
    torch.testing.assert_close(learner.anchors, template_features(learner))
    other = started(backbones["tcp"], anchor_template="{}!").learner
    assert not torch.allclose(other.class_vectors(), found)
    renamed = learner.renamed((*NAMES[::-1], "yellow")).class_vectors()
    torch.testing.assert_close(renamed[:, :4].flip(1), found)


@pytest.mark.parametrize(("layers", "block"), [(2, 1), (3, 2), (4, 2), (6, 4), (12, 8), (24, 16)])
def test_they_enter_behind_two_thirds_of_the_blocks(backbones, layers, block):
    backbone = with_blocks(backbones["tcp"], layers)
    assert class_block(backbone, made("tcp")) == block
    assert class_block(backbone, made("tcp", class_block=1)) == 1


def test_without_the_pull_the_loss_is_cross_entropy(backbones):
    for weight, pulled in ((0.0, False), (8.0, True)):
        trainer = started(backbones["tcp"], anchor_weight=weight)
        step = trainer.step(*batch(trainer.learner, 2), 0)
        assert bool((step.loss > step.cross_entropy + 1e-3).all()) is pulled


def test_the_penalty_is_on_the_context_alone(backbones):
    trainer = started(backbones["tcp"], penalty="PUN")
    learner = trainer.learner
    step = trainer.step(*batch(learner, 2), 0)
    assert learner.n_vectors == step.norms.shape[1] == 3
    gradients = torch.autograd.grad(learner.penalised().sum(), list(learner.parameters()), allow_unused=True)
    assert [each is not None for each in gradients] == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"class_block": 2}, "class_block: no block of the text tower is left behind so many; found 2; .* 1"),
        ({"n_ctx": 76}, "4 of 4 prompts do not fit the text tower with n_ctx 76"),
        ({"n_positions": 4, "penalty": "PAN"}, "n_positions: more positions than context vectors; found 4"),
    ],
)
def test_what_cannot_be_is_refused(backbones, change, told):
    with pytest.raises(UserError, match=told):
        started(backbones["tcp"], **change)


def test_a_tower_of_one_block_is_refused(backbones):
    told = "backbone: the text tower has no block .* behind the first; found other, with 1"
    with pytest.raises(UserError, match=told):
        TCP.start(with_blocks(backbones["tcp"], 1), made("tcp"), NAMES, [torch.Generator()])


def test_a_tower_that_cannot_share_takes_the_same_steps(backbones):
    """In whole texts, all their tokens."""
    backbone = backbones["tcp"]
    apart = replace(backbone, text=replace(backbone.text, reason="for the test"))
    steps = []
    for each in (backbone, apart):
        trainer = started(each, penalty="mix")
        given = batch(trainer.learner, 2)
        steps.append([trainer.step(*given, 1, torch.tensor([[0, 2], [1, 0]])) for _ in range(2)][-1])
    for name in ("loss", "norms", "selected"):
        torch.testing.assert_close(*(getattr(step, name) for step in steps), rtol=1e-4, atol=1e-5)
