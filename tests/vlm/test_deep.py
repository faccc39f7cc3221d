"""Vectors between the blocks of a text tower: the shared path against the plain one."""

import pytest
import torch

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.text import encode_text, encode_text_with_states
from nemesis_sweep.vlm.variants import encode_variants


@pytest.fixture(scope="module")
def icon_clip():
    return load_backbone("icon-clip")


NAMES = ("red", "green", "a green car on a table")


def drawn(tower, blocks, seed=0):
    """Contexts (2, 3, D) and vectors (2, blocks, 3, D) of a tower."""
    generator = torch.Generator().manual_seed(seed)
    shape = (2, 1 + blocks, 3, tower.width)
    vectors = 0.1 * torch.randn(shape, generator=generator, dtype=torch.float64)
    return vectors[:, 0].requires_grad_(), vectors[:, 1:].requires_grad_()


@pytest.mark.parametrize("position", ["end", "middle", "front"])
@pytest.mark.parametrize("blocks", [1, 5])
def test_features_and_gradients_are_those_of_the_plain_path(icon_clip, position, blocks):
    tower, layout = icon_clip.text.to(torch.float64), icon_clip.layout(NAMES, 3, position)
    context, deep = drawn(tower, blocks)
    found = {}
    for path in ("shared", "plain"):
        features = encode_text(tower, layout, context, deep=deep, path=path)
        weights = torch.linspace(-1, 1, features.numel(), dtype=features.dtype).view_as(features)
        found[path] = (features, *torch.autograd.grad((weights * features).sum(), (context, deep)))
    for ours, plain in zip(*found.values(), strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-12)
    without = encode_text(tower, layout, context)
    assert (found["plain"][0] - without).abs().max() > 1e-3


@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_variants_are_whole_passes_with_one_vector_scaled(icon_clip, position):
    tower, layout = icon_clip.text.to(torch.float64), icon_clip.layout(NAMES, 3, position)
    context, deep = (each.detach() for each in drawn(tower, 4))
    _, states = encode_text_with_states(tower, layout, context, deep=deep)
    positions = torch.tensor([[4, 7, 2], [14, 1, 12]])
    scales = torch.tensor([[0.0, 0.3, 2.0], [0.5, 0.1, 0.7]], dtype=torch.float64)
    variants = encode_variants(tower, layout, context, positions, scales, deep=deep, states=states)
    for replicate in range(2):
        for number in range(3):
            vectors = torch.cat([context[:, None], deep], dim=1)
            block, place = divmod(int(positions[replicate, number]), 3)
            vectors[replicate, block, place] *= scales[replicate, number]
            alone = encode_text(tower, layout, vectors[:, 0], deep=vectors[:, 1:], path="plain")[replicate]
            torch.testing.assert_close(variants[replicate, number], alone, rtol=1e-10, atol=1e-12)


def test_vectors_for_more_blocks_than_there_are_are_refused(icon_clip):
    layout = icon_clip.layout(NAMES, 3)
    context, deep = drawn(icon_clip.text, icon_clip.text.layers)
    with pytest.raises(UserError, match=r"blocks' vectors do not fit .* J at most 6"):
        encode_text(icon_clip.text, layout, context, deep=deep)
    with pytest.raises(UserError, match=r"no such context vector; found 0\.\.12"):
        encode_variants(
            icon_clip.text, layout, context, torch.tensor([[0, 12]] * 2), torch.ones(2, 2), deep=deep[:, :3]
        )
