"""Keys and values in front of a text tower's own: the shared path, the plain one, and attention by hand."""

import math

import pytest
import torch
from open_clip.model import CustomTextCLIP
from torch.nn import functional as F

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm import blocks
from nemesis_sweep.vlm.building import build_model
from nemesis_sweep.vlm.from_open_clip import backbone_from_open_clip
from nemesis_sweep.vlm.layout import text_layout
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.states import keys_and_values
from nemesis_sweep.vlm.text import choose_path, encode_prefixed, encode_text
from nemesis_sweep.vlm.text_tower import text_tower
from nemesis_sweep.vlm.variants import encode_prefix_variants
from tests.vlm.conftest import UNEVEN, make_model, random_context
from tests.vlm.families import IMAGE_TOWERS, family_tokenizer, small_config, small_timm

NAMES = ("red", "green", "a green car on a table")
TEXTS = ["a photo of a cat.", "a photo of an old bus.", "a photograph."]


@pytest.fixture(scope="module")
def icon_clip():
    return load_backbone("icon-clip")


def drawn(tower, blocks, length=3, seed=0):
    """Keys and values (2, blocks, 2, length, D), as long as a tower's own, and no two alike."""
    generator = torch.Generator().manual_seed(seed)
    shape = (2, blocks, 2, length, tower.width)
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()


def gradients(features, *of):
    weights = torch.linspace(-1, 1, features.numel(), dtype=features.dtype).view_as(features)
    return torch.autograd.grad((weights * features).sum(), of)


def nothing(tower, replicates=2):
    return torch.empty(replicates, 0, tower.width, dtype=torch.float64)


def by_hand(tower, layout, prefix):
    """Features (C, E) under one prefix (J, 2, M, D): one text and one head after the other."""
    found = []
    for ids in layout.ids():
        x = tower.token_embedding(ids)
        if tower.cls_emb is not None:
            x = torch.cat([x, tower.cls_emb[None]])
        x = x + tower.positional_embedding
        mask = tower._mask(ids[None], x[None])
        mask = torch.zeros(len(x), len(x)).to(x) if mask is None else mask
        for number, block in enumerate(tower.blocks):
            keys, values = prefix[number] if number < len(prefix) else prefix[0, :, :0]
            x = one_block(block, x, keys, values, mask.view(-1, len(x), len(x))[0])
        if tower.cls_emb is not None:
            pooled = tower.ln_final(x[-1])
        else:
            at = {"argmax": ids.argmax(), "last": -1, "first": 0, "eos": (ids == tower.eos_id).int().argmax()}
            pooled = tower.ln_final(x)[at[tower.pool]]
        found.append(F.normalize(tower.project(pooled), dim=-1))
    return torch.stack(found)


def one_block(block, x, keys, values, mask):
    rows = block.ln_1(x) @ block.attn.in_proj_weight.T + block.attn.in_proj_bias
    size, heads = x.shape[1] // block.attn.num_heads, []
    for head in range(block.attn.num_heads):
        q, k, v = (part[:, head * size : (head + 1) * size] for part in rows.chunk(3, dim=1))
        own = slice(head * size, (head + 1) * size)
        before = q @ keys[:, own].T / math.sqrt(size)
        scores = torch.cat([before, q @ k.T / math.sqrt(size) + mask], dim=1)
        heads.append(scores.softmax(dim=1) @ torch.cat([values[:, own], v]))
    x = x + block.ls_1(block.attn.out_proj(torch.cat(heads, dim=1)))
    return x + block.ls_2(block.mlp(block.ln_2(x)))


@pytest.mark.parametrize("blocks", [1, 3, 6])
def test_features_and_gradients_are_those_of_the_plain_path(icon_clip, blocks):
    tower = icon_clip.text.to(torch.float64)
    layout = text_layout(icon_clip.tokenizer, TEXTS)
    prefix = drawn(tower, blocks)
    found = {}
    for path in ("shared", "plain"):
        features = encode_text(tower, layout, nothing(tower), prefix=prefix, path=path)
        found[path] = (features, *gradients(features, prefix))
    for ours, plain in zip(*found.values(), strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-12)
    expected = torch.stack([by_hand(tower, layout, own) for own in prefix.detach()])
    torch.testing.assert_close(found["plain"][0], expected, rtol=1e-10, atol=1e-12)
    without = encode_text(tower, layout, nothing(tower))
    assert (expected - without).abs().max() > 1e-2


@pytest.mark.parametrize("name", ["clip", "quickgelu", "custom", "one_layer", "no_projection"])
@pytest.mark.parametrize("names", [UNEVEN, UNEVEN[:1], ["cat", "cat"]])
def test_towers_and_texts(models, tokenizer, name, names):
    """Long and short texts, one alone, and two that are the same."""
    tower = text_tower(models[name])
    layout = text_layout(tokenizer, [f"a photo of a {each}." for each in names])
    prefix = drawn(tower, len(tower.blocks))
    features = encode_text(tower, layout, nothing(tower), prefix=prefix)
    plain = encode_text(tower, layout, nothing(tower), prefix=prefix, path="plain")
    torch.testing.assert_close(features, plain, rtol=1e-10, atol=1e-12)
    (ours,), (theirs,) = gradients(features, prefix), gradients(plain, prefix)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("position", ["end", "middle", "front"])
@pytest.mark.parametrize("per_class", [False, True])
def test_beside_a_context_and_vectors_between_the_blocks(icon_clip, position, per_class):
    tower, layout = icon_clip.text.to(torch.float64), icon_clip.layout(NAMES, 2, position)
    classes = (len(NAMES),) if per_class else ()
    learnt = [random_context((2, *classes, 2, tower.width)), drawn(tower, 4)]
    if not per_class:
        learnt.append(random_context((2, 3, 2, tower.width), seed=1))
    found = {}
    for path in ("shared", "plain"):
        deep = learnt[2] if len(learnt) > 2 else None
        features = encode_text(tower, layout, learnt[0], prefix=learnt[1], deep=deep, path=path)
        found[path] = (features, *gradients(features, *learnt))
    for ours, plain in zip(*found.values(), strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("architecture", sorted(IMAGE_TOWERS))
def test_every_family_sees_a_prefix(architecture):
    """Masks of every sort hide none of it; without any keys and values nothing is changed."""
    config = small_config(architecture)
    tokenizer = family_tokenizer(architecture, config)
    with small_timm(architecture), torch.random.fork_rng():
        torch.manual_seed(1)
        model = build_model(config).double()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
    tower = text_tower(model, tokenizer.context_length)
    layout = text_layout(tokenizer, TEXTS)
    prefix = drawn(tower, 2).detach()
    features = encode_text(tower, layout, nothing(tower), prefix=prefix)
    expected = torch.stack([by_hand(tower, layout, own) for own in prefix])
    torch.testing.assert_close(features, expected, rtol=1e-10, atol=1e-12)
    without = encode_text(tower, layout, nothing(tower))
    none = encode_text(tower, layout, nothing(tower), prefix=prefix[:, :, :, :0])
    torch.testing.assert_close(none, without, rtol=1e-10, atol=1e-12)
    assert choose_path(tower, layout) in ("shared", "plain")


def test_keys_and_values_of_a_text_are_those_that_its_attention_takes(icon_clip):
    tower, layout = icon_clip.text.to(torch.float64), text_layout(icon_clip.tokenizer, TEXTS)
    found = keys_and_values(tower, layout)
    taken = []
    handles = [
        block.attn.register_forward_pre_hook(lambda module, given: taken.append((module, given[1])))
        for block in tower.blocks
    ]
    encode_text(tower, layout, nothing(tower, 1), path="plain")
    for handle in handles:
        handle.remove()
    assert len(taken) == len(tower.blocks)
    for number, (attention, states) in enumerate(taken):
        rows = states @ attention.in_proj_weight.T + attention.in_proj_bias
        _, keys, values = rows.chunk(3, dim=-1)
        torch.testing.assert_close(found[:, number, 0], keys, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(found[:, number, 1], values, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("blocks", [2, 6])
def test_variants_are_whole_passes_with_one_pair_scaled(icon_clip, blocks):
    tower, layout = icon_clip.text.to(torch.float64), text_layout(icon_clip.tokenizer, TEXTS)
    prefix = drawn(tower, blocks)
    features, states = encode_prefixed(tower, layout, prefix, keep=True)
    assert torch.equal(features, encode_prefixed(tower, layout, prefix)[0])
    last = 3 * blocks - 1
    positions = torch.tensor([[4, 3, last], [3, last, 4]])
    scales = torch.tensor([[0.0, 0.3, 2.0], [0.5, 0.1, 0.7]], dtype=torch.float64)
    for kept, first in ((states, None), (states, 1), (states, 0), (None, None)):
        variants = encode_prefix_variants(tower, layout, prefix, positions, scales, states=kept, first=first)
        assert not variants.requires_grad
        for replicate in range(2):
            for number in range(3):
                own = prefix[replicate].detach().clone()
                block, place = divmod(int(positions[replicate, number]), 3)
                own[block, :, place] *= scales[replicate, number]
                alone = encode_text(tower, layout, nothing(tower, 1), prefix=own[None], path="plain")[0]
                torch.testing.assert_close(variants[replicate, number], alone, rtol=1e-10, atol=1e-12)
    # The states serve a backward pass of their own forward afterwards.
    features.sum().backward()
    assert prefix.grad is not None


def test_blocks_before_the_rescaled_pair_are_not_computed_again(icon_clip, monkeypatch):
    tower, layout = icon_clip.text, text_layout(icon_clip.tokenizer, TEXTS)
    prefix = drawn(tower, 6).detach().float()
    _, states = encode_prefixed(tower, layout, prefix, keep=True)
    calls, attend = [], blocks.packed_attention
    monkeypatch.setattr(blocks, "packed_attention", lambda *given: calls.append(0) or attend(*given))
    positions = torch.tensor([[12], [14]])
    encode_prefix_variants(tower, layout, prefix, positions, torch.ones(2, 1), states=states)
    assert len(calls) == 2


def test_a_tower_that_cannot_share_has_no_states(tokenizer):
    config = {"no_causal_mask": True, "pool_type": "last", "width": 64, "heads": 2}
    tower = text_tower(make_model(CustomTextCLIP, **config).double())
    layout, prefix = text_layout(tokenizer, TEXTS), drawn(tower, 2)
    features, states = encode_prefixed(tower, layout, prefix, keep=True)
    assert states is None
    positions, scales = torch.tensor([[4], [1]]), torch.tensor([[0.5], [2.0]])
    variants = encode_prefix_variants(tower, layout, prefix, positions, scales, states=states)
    own = prefix.detach().clone()
    own[0, 1, :, 1] *= 0.5
    own[1, 0, :, 1] *= 2
    torch.testing.assert_close(variants[:, 0], encode_prefixed(tower, layout, own)[0])
    assert (variants[:, 0] - features).abs().max() > 1e-4


def test_what_does_not_fit_is_refused(icon_clip, tokenizer):
    tower, layout = icon_clip.text, text_layout(icon_clip.tokenizer, TEXTS)
    fits = drawn(tower, 6).detach().float()
    for wrong in (fits[0], fits[:1], fits[:, :, :1], fits[..., :-1], torch.cat([fits, fits], 1), fits[:, :0]):
        with pytest.raises(
            UserError, match=r"keys and values do not fit .* allowed: \(2, J, 2, M, \d+\), J "
        ):
            encode_text(tower, layout, nothing(tower).float(), prefix=wrong)
    for positions in ([[0], [18]], [[-1], [0]]):
        with pytest.raises(UserError, match=r"no such context vector; found .*; allowed: 0\.\.17"):
            encode_prefix_variants(tower, layout, fits, torch.tensor(positions), torch.ones(2, 1))
    custom = text_tower(make_model(CustomTextCLIP, qk_norm=True, width=64, heads=2))
    with pytest.raises(UserError, match="takes no keys and values in its blocks; found CustomResidualAttent"):
        encode_prefixed(custom, text_layout(tokenizer, TEXTS), drawn(custom, 2).float())


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_low_precision_is_near(precision, tokenizer):
    model = make_model(width=64, heads=2)
    backbone = backbone_from_open_clip(model, tokenizer)
    layout = backbone.template_layout(NAMES, "a photo of a {}.")
    prefix = drawn(backbone.text, 2).detach().float()
    near = encode_prefixed(backbone.to(precision=precision).text, layout, prefix)[0]
    exact = encode_prefixed(backbone.text, layout, prefix)[0]
    assert near.dtype == torch.float32
    assert 0 < (near - exact).norm() / exact.norm() < 0.03
