"""Vectors among the tokens of an image: the tower's own result without any, and the long way with some."""

import pytest
import torch
from open_clip.transformer import VisionTransformer

from nemesis_sweep.vlm.configuration import image_blocks as known_blocks
from nemesis_sweep.vlm.configuration import no_image_blocks
from nemesis_sweep.vlm.image_states import PromptedTower, image_blocks, states_shape, token_states

SIZES = {"image_size": 32, "patch_size": 16, "width": 64, "layers": 3, "heads": 2, "mlp_ratio": 4.0}
POOLS = {
    "class token": {},
    "mean": {"pool_type": "avg"},
    "norm behind the mean": {"pool_type": "avg", "final_ln_after_pool": True},
    "attention": {"attentional_pool": True, "attn_pooler_heads": 2, "attn_pooler_queries": 3},
    "no first norm": {"no_ln_pre": True},
    "scaled layers": {"ls_init_value": 0.3},
    "normed queries": {"qk_norm": True},
}


def tower(**more):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        made = VisionTransformer(**SIZES, **more, output_dim=24)
    return made.eval().requires_grad_(False).double()


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def the_long_way(visual, pixels, vectors, last):
    """Pixels ``(B, 3, H, W)`` and vectors ``(J, P, W)`` to features ``(B, E)``, one image after another,
    with the tower's own parts."""
    rows = []
    begin = len(visual.transformer.resblocks) - last
    for image in pixels:
        patches = visual.conv1(image[None])[0].flatten(1).T
        x = torch.cat([visual.class_embedding[None], patches]) + visual.positional_embedding
        count = len(x)
        for number, block in enumerate(visual.transformer.resblocks):
            if 0 <= number - begin < len(vectors):
                x = torch.cat([x[:count], vectors[number - begin]])
            x = visual.ln_pre(x) if number == 0 else x
            x = block(x[None])[0]
        pooled, _ = visual._pool(x[None, :count])
        rows.append(pooled[0] if visual.proj is None else pooled[0] @ visual.proj)
    return torch.stack(rows)


@pytest.mark.parametrize("more", POOLS.values(), ids=POOLS.keys())
@pytest.mark.parametrize("last", [None, 3, 2, 1])
def test_without_vectors_the_feature_is_the_towers_own(more, last):
    visual, pixels = tower(**more), drawn(4, 3, 32, 32)
    states = token_states(visual, pixels, last)
    assert states.shape == (4, *states_shape(visual)) == (4, 5, 64)
    found = PromptedTower(visual, last).features(states, drawn(1, 1, 0, 64))
    torch.testing.assert_close(found, visual(pixels), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("more", POOLS.values(), ids=POOLS.keys())
@pytest.mark.parametrize(("last", "depth"), [(3, 3), (3, 2), (3, 1), (2, 2), (2, 1), (1, 1)])
def test_with_vectors_it_is_that_of_the_long_way(more, last, depth):
    """Values and gradients of two replicates side by side."""
    visual, pixels = tower(**more), drawn(6, 3, 32, 32)
    vectors = drawn(2, depth, 2, 64, seed=1).requires_grad_()
    found = PromptedTower(visual, last).features(token_states(visual, pixels, last), vectors)
    wanted = torch.cat([the_long_way(visual, pixels[3 * r : 3 * r + 3], vectors[r], last) for r in range(2)])
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)
    weights = drawn(*found.shape, seed=2)
    gradients = [torch.autograd.grad((each * weights).sum(), vectors)[0] for each in (found, wanted)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("last", [3, 2])
def test_what_was_kept_before_a_block_is_gone_on_with(last):
    visual, pixels = tower(), drawn(4, 3, 32, 32)
    vectors, entering = drawn(1, last, 2, 64, seed=1), []
    prompted, states = PromptedTower(visual, last), token_states(visual, pixels, last)
    whole = prompted.features(states, vectors, entering=entering)
    assert len(entering) == last
    for begin, kept in enumerate(entering):
        torch.testing.assert_close(prompted.features(kept, vectors, begin), whole, rtol=1e-10, atol=1e-12)


def test_only_the_vectors_are_led_back_to():
    """States that need no gradient get none, so no product with them is led back through."""
    visual, vectors = tower(), drawn(1, 1, 2, 64, seed=1).requires_grad_()
    states = token_states(visual, drawn(2, 3, 32, 32), 1)
    PromptedTower(visual, 1).features(states, vectors).sum().backward()
    assert states.grad is None and vectors.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("name", "blocks", "reason"),
    [
        ("ViT-B-16", 12, ""),
        ("coca_ViT-B-32", 12, ""),
        ("RN50", 0, "its image tower is a ResNet"),
        ("icon-clip", 0, "its image tower is a ResNet"),
        ("ViT-B-16-SigLIP", 0, "its image tower is timm's vit_base_patch16_siglip_224"),
        ("no such", None, ""),
    ],
)
def test_what_a_configuration_says(name, blocks, reason):
    assert known_blocks(name) == blocks
    assert no_image_blocks(name) == reason


def test_a_tower_says_how_many_blocks_it_has(tiny_backbone):
    assert image_blocks(tower()) == 3 and image_blocks(tiny_backbone.visual) == 1
    assert image_blocks(torch.nn.Linear(2, 2)) == 0
