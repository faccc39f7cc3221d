"""The words nearest to a prompt: the same as by the plain way, and where there are none, why."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.prompts import PROMPTS
from nemesis_sweep.spec.reads import PIXELS
from nemesis_sweep.testing.tiny_backbones import tiny_backbone
from nemesis_sweep.training.nearest_words import has_words, nearest_words

NAMES = ["cat", "dog"]
WORDLESS = ("vpt", "prefix")


@pytest.fixture(scope="module")
def backbone() -> ns.Backbone:
    return ns.load_backbone("icon-clip")


@pytest.fixture(scope="module")
def with_blocks() -> ns.Backbone:
    return tiny_backbone(PIXELS)


def made(backbone: ns.Backbone, seeds: tuple[int, ...] = (7, 8), **method: object) -> ns.Prompt:
    """A prompt as it is before training."""
    chosen = ns.read_method(method)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    values = learner_of(chosen.prompt).start(backbone, chosen, NAMES, generators)
    facts = (backbone.name, backbone.fingerprint, NAMES, seeds, chosen.model_dump())
    return ns.Prompt(values, *facts)


def test_they_are_those_of_the_plain_way(backbone) -> None:
    prompt = made(backbone, n_ctx=3)
    found = nearest_words(prompt, backbone, top=6).vectors
    weight = backbone.text.token_embedding.weight.double()
    known = sorted(backbone.known_tokens)
    assert [(each.seed, each.position) for each in found] == [(s, p) for s in (7, 8) for p in (1, 2, 3)]
    for each, vector in zip(found, prompt.context.double().flatten(0, 1), strict=True):
        distances = {token: float((weight[token] - vector).square().sum().sqrt()) for token in known}
        wanted = sorted(known, key=lambda token: (distances[token], token))[:6]
        assert [word.id for word in each.words] == wanted
        assert [word.distance for word in each.words] == pytest.approx([distances[i] for i in wanted])
        cosine = torch.cosine_similarity(weight[wanted[0]], vector, dim=0)
        assert each.words[0].cosine == pytest.approx(float(cosine))
        assert each.norm == pytest.approx(float(vector.norm()))


def test_given_words_are_their_own_nearest(backbone) -> None:
    for each in nearest_words(made(backbone, words="a photo of a"), backbone, seed=8).vectors:
        word = each.words[0]
        assert (each.seed, word.token) == (8, ["a</w>", "photo</w>", "of</w>", "a</w>"][each.position - 1])
        assert (word.distance, word.cosine) == (0, pytest.approx(1))


def test_every_class_and_every_prompt_is_named(backbone) -> None:
    own = nearest_words(made(backbone, csc=True, n_ctx=2), backbone, seed=7).vectors
    assert [(each.classname, each.position) for each in own] == [(n, p) for n in NAMES for p in (1, 2)]
    plot = made(backbone, prompt="plot", csc=True, n_prompts=2, n_ctx=1)
    several = nearest_words(plot, backbone, seed=7).vectors
    assert [(each.prompt, each.classname) for each in several] == [(p, n) for p in (1, 2) for n in NAMES]


@pytest.mark.parametrize("kind", [kind for kind in PROMPTS if kind not in WORDLESS])
def test_every_kind_tells_what_has_no_words(kind, with_blocks) -> None:
    prompt = made(with_blocks, seeds=(7,), prompt=kind, n_ctx=2)
    found = nearest_words(prompt, with_blocks, top=1)
    assert has_words(prompt)
    assert [other.tensor for other in found.others] == [name for name in prompt.tensors if name != "context"]
    assert not [other for other in found.others if other.holds == "something of the kind's own"]
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("kind", "told"), [("vpt", "tokens of the image tower"), ("prefix", "keys of the attention")]
)
def test_a_kind_without_words_is_refused(kind, told, with_blocks) -> None:
    own = {} if kind == "vpt" else {"n_ctx": 2}
    with pytest.raises(UserError, match=f"so no word is near to it; found {kind}: .*{told}"):
        nearest_words(made(with_blocks, prompt=kind, **own), with_blocks)


def test_what_is_not_finite_has_no_words(backbone) -> None:
    prompt = made(backbone, seeds=(7,), n_ctx=2)
    context = prompt.context.clone()
    context[0, 0, 0] = torch.nan
    found = nearest_words(replace(prompt, tensors={"context": context}), backbone)
    assert [len(each.words) for each in found.vectors] == [0, 5]
    assert found.to_json()["vectors"][0]["norm"] is None


def test_another_backbone_is_refused(backbone, tiny_backbone) -> None:
    with pytest.raises(UserError, match="not the backbone that it was learnt on"):
        nearest_words(made(backbone), tiny_backbone)
