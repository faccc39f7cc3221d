"""Features of an image's parts: the first is the image's own, the others are computed as that one is."""

import open_clip
import pytest
import torch
from open_clip.model import CLIP

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.configuration import no_patches, untrained_patches
from nemesis_sweep.vlm.from_open_clip import backbone_from_open_clip
from nemesis_sweep.vlm.image_features import patch_count, patch_features

TEXT = {"width": 64, "heads": 2, "layers": 1, "context_length": 77, "vocab_size": 49408}
TOWERS = {
    "ResNet": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
    "ViT": {"image_size": 32, "patch_size": 16, "width": 64, "layers": 2, "head_width": 32},
}


def visual(name):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = CLIP(embed_dim=32, vision_cfg=TOWERS[name], text_cfg=TEXT)
    return model.eval().requires_grad_(False).double().visual


def pixels(size):
    return torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@pytest.mark.parametrize("name", TOWERS)
def test_the_first_is_the_pooled_feature(name):
    tower = visual(name)
    given = pixels(TOWERS[name]["image_size"])
    found = patch_features(tower, given)
    assert found.shape == (3, 5, 32) and patch_count(tower) == 5
    torch.testing.assert_close(found[:, 0], tower(given), rtol=1e-10, atol=1e-12)


def test_the_cells_of_a_resnet_ask_one_after_the_other():
    """Attention by hand: every token as the only query."""
    tower = visual("ResNet")
    given = pixels(64)
    x = tower.stem(given)
    for layer in (tower.layer1, tower.layer2, tower.layer3, tower.layer4):
        x = layer(x)
    pool = tower.attnpool
    tokens = torch.cat([x.flatten(2).mean(dim=2, keepdim=True), x.flatten(2)], dim=2).mT
    tokens = tokens + pool.positional_embedding
    heads, width = pool.num_heads, tokens.shape[-1] // pool.num_heads
    rows = []
    for query in tokens.unbind(dim=1):
        asked = pool.q_proj(query).unflatten(1, (heads, 1, width))
        seen = (pool.k_proj(tokens), pool.v_proj(tokens))
        keys, values = (each.unflatten(2, (heads, width)).transpose(1, 2) for each in seen)
        weights = (asked @ keys.mT / width**0.5).softmax(dim=-1)
        rows.append(pool.c_proj((weights @ values).flatten(1)))
    found = patch_features(tower, given)
    torch.testing.assert_close(found, torch.stack(rows, dim=1), rtol=1e-10, atol=1e-12)


def test_the_patches_of_a_vit_are_projected_as_the_class_token_is():
    tower = visual("ViT")
    tower.output_tokens = True
    given = pixels(32)
    _, tokens = tower(given)
    torch.testing.assert_close(patch_features(tower, given)[:, 1:], tokens @ tower.proj)


def test_backbones_give_them_normalised_and_others_refuse():
    with torch.random.fork_rng():
        model = CLIP(embed_dim=32, vision_cfg=TOWERS["ViT"], text_cfg=TEXT)
    backbone = backbone_from_open_clip(model, open_clip.get_tokenizer("ViT-B-32"), name="own")
    found = backbone.encode_image(pixels(32), "patches")
    assert backbone.image_shape("patches") == (5, 32) and found.dtype == torch.float32
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(3, 5))
    torch.testing.assert_close(found[:, 0], backbone.encode_image(pixels(32)), rtol=1e-5, atol=1e-6)
    model.visual.pool_type = "avg"
    with pytest.raises(UserError, match="no features of the parts of an image; found own"):
        backbone.image_shape("patches")
    with pytest.raises(UserError, match="found VisionTransformer; allowed: open_clip's own ResNet or ViT"):
        backbone.encode_image(pixels(32), "patches")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("RN50", ""),
        ("ViT-B-16", ""),
        ("icon-clip", ""),
        ("coca_ViT-B-32", "its image tower pools by attention of its own"),
        ("ViT-B-16-SigLIP", "its image tower is timm's vit_base_patch16_siglip_224"),
        ("no such", ""),
    ],
)
def test_what_a_configuration_says(name, reason):
    assert no_patches(name) == reason
    assert untrained_patches(name) == (name == "ViT-B-16")
