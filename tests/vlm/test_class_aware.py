"""Vectors of each class from a later block on: the shared path, the plain one, and every token by hand."""

from contextlib import nullcontext

import pytest
import torch
from open_clip.model import CustomTextCLIP
from torch.nn import functional as F

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm import blocks
from nemesis_sweep.vlm.building import build_model
from nemesis_sweep.vlm.class_aware import encode_class_aware, encode_class_aware_variants
from nemesis_sweep.vlm.layout import make_layout
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.text import encode_text
from nemesis_sweep.vlm.text_tower import text_tower
from tests.vlm.conftest import UNEVEN, make_model, random_context
from tests.vlm.families import IMAGE_TOWERS, family_tokenizer, small_config, small_timm

NAMES = ("red", "green", "a green car on a table")
POSITIONS = ("end", "middle", "front")


@pytest.fixture(scope="module")
def icon_clip():
    return load_backbone("icon-clip")


def drawn(tower, classes, length=3):
    """A context (2, length, D) and vectors (2, classes, length, D), no two alike."""
    context = random_context((2, length, tower.width))
    return context, random_context((2, classes, length, tower.width), seed=1)


def by_hand(tower, layout, context, vectors, block):
    """Features (C, E) of a context (M, D) and vectors (C, M, D): class by class, all tokens."""
    found = []
    for tokens, slots, ids, own in zip(layout.tokens, layout.slots, layout.ids(), vectors, strict=True):
        x = tower.token_embedding(tokens).to(context)
        x = put(x, slots, context)
        if tower.cls_emb is not None:
            x = torch.cat([x, tower.cls_emb[None]])
        x = x + tower.positional_embedding
        mask = tower._mask(ids[None], x[None])
        mask = torch.zeros(len(x), len(x)).to(x) if mask is None else mask
        for number, layer in enumerate(tower.blocks):
            x = put(x, slots, own) if number == block else x
            x = layer(x[None], attn_mask=mask)[0]
        if tower.cls_emb is not None:
            pooled = tower.ln_final(x[-1])
        else:
            at = {"argmax": ids.argmax(), "last": -1, "first": 0, "eos": (ids == tower.eos_id).int().argmax()}
            pooled = tower.ln_final(x)[at[tower.pool]]
        found.append(F.normalize(tower.project(pooled), dim=-1))
    return torch.stack(found)


def put(x, slots, vectors):
    rows = [vectors[slot] if slot >= 0 else row for slot, row in zip(slots, x, strict=False)]
    return torch.stack([*rows, *x[len(slots) :]])


def gradients(features, *of):
    weights = torch.linspace(-1, 1, features.numel(), dtype=features.dtype).view_as(features)
    return torch.autograd.grad((weights * features).sum(), of)


def same(found, expected, tolerance=1e-10):
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours - theirs).norm() <= tolerance * theirs.norm()


def compared(tower, layout, block, tolerance=1e-10):
    """Values and gradients of every path with those by hand."""
    context, vectors = drawn(tower, layout.n_classes, layout.n_ctx)
    own = zip(context, vectors, strict=True)
    expected = torch.stack([by_hand(tower, layout, each, its, block) for each, its in own])
    wanted = (expected, *gradients(expected, context, vectors))
    for path in ("auto", "plain"):
        features, _ = encode_class_aware(tower, layout, context, vectors, block, path=path)
        same((features, *gradients(features, context, vectors)), wanted, tolerance)
    return expected


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("block", [1, 4, 5])
def test_features_and_gradients_are_those_of_every_token_by_hand(icon_clip, position, block):
    """Before the last block, too, where only the ends of the prompts go on."""
    tower, layout = icon_clip.text.to(torch.float64), icon_clip.layout(NAMES, 3, position)
    expected = compared(tower, layout, block)
    context, _ = drawn(tower, len(NAMES))
    assert (expected - encode_text(tower, layout, context)).abs().max() > 1e-4


@pytest.mark.parametrize("name", ["clip", "quickgelu", "custom", "no_projection"])
def test_towers(models, tokenizer, name):
    compared(text_tower(models[name]), make_layout(tokenizer, UNEVEN[::2], 3), 1)


@pytest.mark.parametrize("names", [UNEVEN, UNEVEN[:1], ["cat", "cat"], ["a red cat", "a red dog", "a red"]])
@pytest.mark.parametrize("position", POSITIONS)
def test_names(models, tokenizer, names, position):
    """Long and short ones, one alone, two that are the same, and some that begin alike."""
    with pytest.warns(UserWarning) if len({*names}) < len(names) else nullcontext():
        layout = make_layout(tokenizer, names, 3, position)
    compared(text_tower(models["clip"]), layout, 1)


@pytest.mark.parametrize("length", [1, 2])
def test_few_vectors(icon_clip, length):
    for position in POSITIONS:
        layout = icon_clip.layout(NAMES, length, position)
        compared(icon_clip.text.to(torch.float64), layout, 3)


@pytest.mark.parametrize("architecture", sorted(IMAGE_TOWERS))
def test_every_family_takes_them(architecture):
    """Where the beginning cannot be shared they stand in whole texts."""
    config = small_config(architecture)
    tokenizer = family_tokenizer(architecture, config)
    with small_timm(architecture), torch.random.fork_rng():
        torch.manual_seed(1)
        model = build_model(config).double()
    tower = text_tower(model, tokenizer.context_length)
    compared(tower, make_layout(tokenizer, NAMES, 3, "middle"), 1)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("block", [1, 4, 5])
def test_variants_are_whole_passes_with_one_vector_changed(icon_clip, position, block):
    tower, layout = icon_clip.text.to(torch.float64), icon_clip.layout(NAMES, 3, position)
    context, vectors = drawn(tower, len(NAMES))
    features, states = encode_class_aware(tower, layout, context, vectors, block, keep=True)
    assert states is not None
    assert torch.equal(features, encode_class_aware(tower, layout, context, vectors, block)[0])
    positions = torch.tensor([[2, 1], [1, 2]])
    scales = torch.tensor([[0.0, 0.3], [2.0, 0.5]], dtype=torch.float64)
    noise = random_context((2, 2, tower.width), seed=2).detach()
    for by in (scales, noise):
        expected = []
        for replicate, number in ((0, 0), (0, 1), (1, 0), (1, 1)):
            own, change = context[replicate].detach().clone(), by[replicate, number]
            place = positions[replicate, number]
            own[place] = own[place] * change if by is scales else change
            expected.append(by_hand(tower, layout, own, vectors[replicate].detach(), block))
        for kept, first in ((states, None), (states, 1), (states, 0), (None, None)):
            found = encode_class_aware_variants(
                *(tower, layout, context, vectors, block, positions, by), states=kept, first=first
            )
            assert not found.requires_grad
            torch.testing.assert_close(found.flatten(0, 1), torch.stack(expected), rtol=1e-10, atol=1e-12)
    # The states serve a backward pass of their own forward afterwards.
    assert all(each.any() for each in gradients(features, context, vectors))


def test_behind_the_context_no_vector_of_a_class_is_computed_again(icon_clip, monkeypatch):
    tower, layout = icon_clip.text, icon_clip.layout(NAMES, 3)
    context, vectors = (each.detach().float() for each in drawn(tower, len(NAMES)))
    _, states = encode_class_aware(tower, layout, context, vectors, 4, keep=True)
    asking, attend = [], blocks.packed_attention
    monkeypatch.setattr(
        blocks, "packed_attention", lambda q, *given: asking.append(q.shape[1]) or attend(q, *given)
    )
    positions = torch.tensor([[2], [2]])
    encode_class_aware_variants(
        tower, layout, context, vectors, 4, positions, torch.zeros(2, 1), states=states
    )
    # The last context vector and the words, without the rows that only fill up; later the words alone.
    words = int((layout.lengths - 1 - 3).sum())
    assert asking[:4] == [1 + words] * 4
    assert asking[4] == words
    assert asking[5] == len(NAMES)


def test_a_tower_that_cannot_share_has_no_states(tokenizer):
    config = {"no_causal_mask": True, "pool_type": "last", "width": 64, "heads": 2}
    tower = text_tower(make_model(CustomTextCLIP, **config).double())
    layout = make_layout(tokenizer, NAMES, 3)
    context, vectors = drawn(tower, len(NAMES))
    _, states = encode_class_aware(tower, layout, context, vectors, 1, keep=True)
    assert states is None
    positions, scales = torch.tensor([[2], [1]]), torch.tensor([[0.5], [2.0]])
    found = encode_class_aware_variants(tower, layout, context, vectors, 1, positions, scales)
    own = context.detach().clone()
    own[0, 2] *= 0.5
    own[1, 1] *= 2
    torch.testing.assert_close(found[:, 0], encode_class_aware(tower, layout, own, vectors, 1)[0])


def test_what_does_not_fit_is_refused(icon_clip):
    tower, layout = icon_clip.text, icon_clip.layout(NAMES, 3)
    context, vectors = (each.detach().float() for each in drawn(tower, len(NAMES)))
    for wrong in (vectors[0], vectors[:1], vectors[:, 1:], vectors[:, :, 1:], vectors[..., 1:]):
        with pytest.raises(UserError, match=r"vectors of the classes do not fit context, .*\(2, 3, 3, "):
            encode_class_aware(tower, layout, context, wrong, 4)
    with pytest.raises(UserError, match="vectors of the classes do not fit context"):
        encode_class_aware(tower, layout, context[:, None].expand(-1, 3, -1, -1), vectors, 4)
    for block in (0, 6):
        with pytest.raises(
            UserError, match=f"cannot enter there; found block {block}; allowed: block 1 to 5"
        ):
            encode_class_aware(tower, layout, context, vectors, block)
    positions = torch.tensor([[0], [3]])
    with pytest.raises(UserError, match=r"no such context vector; found 0\.\.3; allowed: 0\.\.2"):
        encode_class_aware_variants(tower, layout, context, vectors, 4, positions, torch.ones(2, 1))


def test_a_tower_of_one_block_is_refused(models, tokenizer):
    tower, layout = text_tower(models["one_layer"]), make_layout(tokenizer, NAMES, 3)
    with pytest.raises(UserError, match=r"cannot enter there; .*allowed: a tower of two blocks or more"):
        encode_class_aware(tower, layout, *drawn(tower, len(NAMES)), 1)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_low_precision_is_near(icon_clip, precision):
    layout = icon_clip.layout(NAMES, 3)
    context, vectors = (each.detach().float() for each in drawn(icon_clip.text, len(NAMES)))
    near, _ = encode_class_aware(icon_clip.to(precision=precision).text, layout, context, vectors, 4)
    exact, _ = encode_class_aware(icon_clip.text, layout, context, vectors, 4)
    assert near.dtype == torch.float32
    assert 0 < (near - exact).norm() / exact.norm() < 0.03
