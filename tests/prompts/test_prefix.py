"""Prefix-tuning: how the keys and values begin, what of them is penalised, and what is refused."""

import warnings
from typing import ClassVar

import pytest
import torch

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.prompts.prefix import Prefix
from nemesis_sweep.prompts.prefix_network import PrefixNetwork
from nemesis_sweep.testing import PromptContract
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm.layout import text_layout
from nemesis_sweep.vlm.states import keys_and_values
from tests.prompts.test_contract import NAMES, TEMPLATE, batch, made


class TestKeysAndValuesOfANetwork(PromptContract):
    prompt = "prefix"
    settings: ClassVar = {"n_ctx": 3, "prefix_hidden": 7, "lr": 0.01}


def started(backbone, template=TEMPLATE, names=NAMES, **settings):
    return Trainer(backbone, names, made("prefix", **{"penalty": "none", **settings}), (1, 2), template)


@pytest.mark.parametrize(
    ("settings", "text", "count"),
    [
        ({"n_ctx": 3}, "a photo of", 3),
        ({"n_ctx": 10}, "a photo of a a photo of a a photo", 10),
        ({"words": "a_picture of"}, "a picture of", 3),
        ({"words": "hypoallergenic", "n_ctx": 1}, "hypoallergenic", 3),
    ],
)
def test_it_begins_as_the_towers_own_keys_and_values(backbones, settings, text, count):
    """Of all tokens of the words but those that begin and end a text, at their places."""
    backbone = backbones["prefix"]
    learner = started(backbone, **settings).learner
    own = keys_and_values(backbone.text, text_layout(backbone.tokenizer, [text]))[0, :, :, 1 : 1 + count]
    assert learner.pairs.shape == (2, *own.shape)
    apart = (learner.pairs - own).detach()
    if "words" in settings:
        assert not apart.any()
    else:
        assert float(apart.std()) == pytest.approx(0.02, rel=0.1)
        assert not torch.equal(*apart)


def test_fewer_blocks_begin_as_the_first_of_all(backbones):
    whole, one = (started(backbones["prefix"], prompt_depth=depth).learner for depth in (None, 1))
    assert one.pairs.shape[1] == 1 and whole.pairs.shape[1] == backbones["prefix"].text.layers
    torch.testing.assert_close(one.pairs, whole.pairs[:, :1], rtol=0, atol=0.2)


def test_norms_of_keys_and_values_are_added_whatever_the_reduction(backbones):
    for reduction in ("mean", "reference"):
        trainer = started(backbones["prefix"], penalty="PUN", reduction=reduction)
        keys, values = (each.detach().norm(dim=-1).flatten(1) for each in trainer.learner.parameters())
        step = trainer.step(*batch(trainer.learner, 2), 0)
        torch.testing.assert_close(step.norms, keys + values)


def test_relative_norms_of_the_towers_own_are_near_one(backbones):
    trainer = started(backbones["prefix"], penalty="PUN", norm="relative")
    norms = trainer.step(*batch(trainer.learner, 2), 0).norms
    assert ((norms > 0.5) & (norms < 2)).all()


@pytest.mark.parametrize(("template", "given"), [(TEMPLATE, None), ("a drawing of {}", "{}!")])
def test_the_texts_are_those_of_the_template(backbones, template, given):
    learner = started(backbones["prefix"], template, anchor_template=given).learner
    assert learner.layout.names == tuple((given or template).replace("{}", name) for name in NAMES)
    assert learner.layout.n_ctx == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"prompt_depth": 3}, "prompt_depth: deeper than the text tower; found 3; allowed: at most 2"),
        ({"n_ctx": 76}, r"1 of 1 prompt does not fit the text tower; found 'a photo of a a .*at most 32"),
        ({"template": "so " * 75 + "{}"}, "4 of 4 prompts do not fit the text tower"),
        ({"names": ("red", "_")}, "class names must not be empty"),
        ({"n_positions": 7, "penalty": "PAN"}, "n_positions: more positions than context vectors; found 7"),
    ],
)
def test_what_cannot_be_is_refused(backbones, change, told):
    with pytest.raises(UserError, match=told):
        started(backbones["prefix"], **change)


def test_names_given_twice_are_told(backbones):
    with pytest.warns(UserWarning, match="1 class name given more than once: 'red'"):
        started(backbones["prefix"], names=("red", "green", "red"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        started(backbones["prefix"])


def test_a_tower_without_blocks_of_its_own_is_refused(backbones, monkeypatch):
    backbone = backbones["prefix"]
    monkeypatch.setattr("nemesis_sweep.vlm.prefixed.takes_prefix", lambda block: False)
    with pytest.raises(UserError, match="takes no keys and values in its blocks; found ResidualAttention"):
        Prefix.start(backbone, made("prefix"), NAMES, [torch.Generator()])


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_a_network_is_torchs_own_layers():
    start = torch.randn(3, 2, 4, 6, generator=torch.Generator().manual_seed(0))
    network = PrefixNetwork(start, 5, generators(1, 2))
    for r in range(2):
        inner, outer = torch.nn.Linear(6, 5), torch.nn.Linear(5, 3 * 2 * 6)
        with torch.no_grad():
            for layer, own in ((inner, network.inner), (outer, network.outer)):
                layer.weight.copy_(own.weight[r])
                layer.bias.copy_(own.bias[r])
            made = torch.nn.Sequential(inner, torch.nn.Tanh(), outer)(network.embedding[r])
        expected = start + made.view(4, 3, 2, 6).permute(1, 2, 0, 3)
        found = torch.stack([network()[name][r] for name in Prefix.tensors], dim=1)
        torch.testing.assert_close(found, expected)
        assert float(made.detach().std()) == pytest.approx(0.02, rel=0.02)
    assert set(dict(network.named_parameters())) == {
        "embedding",
        *(f"{layer}.{part}" for layer in ("inner", "outer") for part in ("weight", "bias")),
    }


def test_a_network_begins_near_the_towers_own_and_each_replicate_apart(backbones):
    settings = {"words": "a photo of a"}
    with_it, without = (
        started(backbones["prefix"], prefix_hidden=hidden, **settings).learner for hidden in (8, None)
    )
    apart = (with_it.pairs - without.pairs).detach()
    assert float(apart.std()) == pytest.approx(0.02, rel=0.1)
    assert not torch.equal(*apart)
