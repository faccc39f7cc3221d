from typing import Any

import pytest
import torch
from open_clip.model import CustomTextCLIP
from open_clip.tokenizer import SimpleTokenizer

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm import blocks
from nemesis_sweep.vlm.layout import Layout, make_layout
from nemesis_sweep.vlm.text import encode_text, encode_text_with_states
from nemesis_sweep.vlm.text_tower import text_tower
from nemesis_sweep.vlm.tower import TextTower
from nemesis_sweep.vlm.variants import encode_variants
from tests.vlm.conftest import UNEVEN, make_model, random_context

N_CTX = 6
POSITIONS = torch.tensor([[2, 5], [4, 3]])
SCALES = torch.tensor([[0.5, 0.0], [0.1, 3.0]], dtype=torch.float64)


def one_by_one(tower: TextTower, layout: Layout, context: torch.Tensor) -> torch.Tensor:
    """Each variant through the plain path, on its own."""
    out = []
    for replicate, (positions, scales) in enumerate(zip(POSITIONS, SCALES, strict=True)):
        for position, scale in zip(positions, scales, strict=True):
            changed = context[replicate : replicate + 1].detach().clone()
            changed[..., position, :] *= scale
            out.append(encode_text(tower, layout, changed, path="plain")[0])
    return torch.stack(out).unflatten(0, POSITIONS.shape)


@pytest.mark.parametrize("position", ["end", "middle", "front"])
@pytest.mark.parametrize("per_class", [False, True])
@pytest.mark.parametrize("name", ["clip", "one_layer"])
def test_variants_equal_separate_forwards(
    models: dict[str, Any], tokenizer: SimpleTokenizer, name: str, position: str, per_class: bool
) -> None:
    tower = text_tower(models[name])
    layout = make_layout(tokenizer, UNEVEN, N_CTX, position)
    classes = (len(UNEVEN),) if per_class else ()
    context = random_context((2, *classes, N_CTX, tower.width))
    features, states = encode_text_with_states(tower, layout, context)
    assert torch.equal(features, encode_text(tower, layout, context))
    expected = one_by_one(tower, layout, context)
    # With a first position that is known, or known to be no lesser one, and without.
    for given, first in ((states, None), (states, 2), (states, 0), (None, None), (None, 2)):
        variants = encode_variants(tower, layout, context, POSITIONS, SCALES, states=given, first=first)
        assert not variants.requires_grad
        torch.testing.assert_close(variants, expected, rtol=1e-11, atol=1e-11)
    # The states serve a backward pass of their own forward afterwards.
    features.sum().backward()
    assert context.grad is not None


@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_rows_before_the_rescaled_vector_are_not_computed_again(
    models: dict[str, Any],
    tokenizer: SimpleTokenizer,
    position: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tower = text_tower(models["clip"])
    names = ["cat", "big old dog"]
    layout = make_layout(tokenizer, names, N_CTX, position)
    context = random_context((1, N_CTX, tower.width))
    _, states = encode_text_with_states(tower, layout, context)
    asked: list[int] = []
    attend = blocks.packed_attention

    def counted(q: torch.Tensor, *rest: Any) -> torch.Tensor:
        asked.append(q.shape[1])
        return attend(q, *rest)

    monkeypatch.setattr(blocks, "packed_attention", counted)
    encode_variants(tower, layout, context, torch.tensor([[4]]), torch.tensor([[0.5]]), states=states)
    tails = {"end": 3 + 5, "middle": 2 * 4, "front": 2 * 4}[position]
    before = {"end": 2, "middle": 0, "front": 0}[position]
    # The vectors 4 and 5, once or per class, and what follows; EOTs only in the last layer.
    assert asked[:-1] == [before + tails]
    assert asked[-1] == 2


def test_a_tower_that_cannot_share(tokenizer: SimpleTokenizer) -> None:
    config = {"no_causal_mask": True, "pool_type": "last", "width": 64, "heads": 2}
    tower = text_tower(make_model(CustomTextCLIP, **config).double())
    layout = make_layout(tokenizer, UNEVEN, N_CTX)
    context = random_context((2, N_CTX, 64))
    _, states = encode_text_with_states(tower, layout, context)
    variants = encode_variants(tower, layout, context, POSITIONS, SCALES, states=states)
    torch.testing.assert_close(variants, one_by_one(tower, layout, context), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("positions", "scales", "message"),
    [
        (torch.tensor([[6], [0]]), torch.ones(2, 1), "found 0..6; allowed: 0..5"),
        (torch.tensor([[-1], [0]]), torch.ones(2, 1), "found -1..0"),
        (torch.tensor([[1]]), torch.ones(1, 1), r"positions \(1, 1\).*R = 2"),
        (torch.tensor([[1], [1]]), torch.ones(2, 2), r"changed by \(2, 2\)"),
    ],
)
def test_bad_positions_are_refused(
    models: dict[str, Any],
    tokenizer: SimpleTokenizer,
    positions: torch.Tensor,
    scales: torch.Tensor,
    message: str,
) -> None:
    tower = text_tower(models["clip"])
    layout = make_layout(tokenizer, ["cat"], N_CTX)
    with pytest.raises(UserError, match=message):
        encode_variants(tower, layout, random_context((2, N_CTX, 128)), positions, scales)


def test_a_position_before_the_first_is_refused(models: dict[str, Any], tokenizer: SimpleTokenizer) -> None:
    tower = text_tower(models["clip"])
    layout = make_layout(tokenizer, UNEVEN, N_CTX)
    context = random_context((2, N_CTX, tower.width))
    with pytest.raises(UserError, match=r"no such context vector; found 2\.\.5; allowed: 3\.\.5"):
        encode_variants(tower, layout, context, POSITIONS, SCALES, first=3)
