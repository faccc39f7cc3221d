"""The plain path is the reference: it must equal open_clip's own text encoding."""

from typing import Any

import pytest
import torch
from open_clip.coca_model import CoCa
from open_clip.model import CustomTextCLIP
from open_clip.tokenizer import SimpleTokenizer
from torch.nn import functional as F

from nemesis_sweep.vlm.layout import make_layout, text_layout
from nemesis_sweep.vlm.text import encode_text
from nemesis_sweep.vlm.text_tower import text_tower
from tests.vlm.conftest import UNEVEN, VISION, make_model

TEXTS = ["a photo of a cat.", "dog", "a rather longer text about nothing in particular, with a comma"]
SMALL = {"width": 128, "heads": 4}


def build(kind: str) -> Any:
    if kind == "siglip":
        return make_model(CustomTextCLIP, no_causal_mask=True, pool_type="last", proj_bias=True, **SMALL)
    if kind == "class_embedding":
        return make_model(CustomTextCLIP, embed_cls=True, context_length=76, **SMALL)
    if kind == "coca":
        text = {"embed_cls": True, "output_tokens": True, "layers": 2, "context_length": 76, **SMALL}
        decoder = {"layers": 1, "context_length": 76, **SMALL}
        vision = {**VISION, "attentional_pool": True, "attn_pooler_heads": 4, "output_tokens": True}
        return CoCa(embed_dim=32, multimodal_cfg=decoder, text_cfg=text, vision_cfg=vision).eval()
    if kind == "first":
        return make_model(CustomTextCLIP, pool_type="first", no_causal_mask=True, **SMALL)
    if kind == "custom_blocks":
        return make_model(CustomTextCLIP, qk_norm=True, scale_attn=True, **SMALL)
    return make_model()


@pytest.mark.parametrize("kind", ["clip", "siglip", "class_embedding", "coca", "first", "custom_blocks"])
@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_a_context_of_token_embeddings_gives_open_clips_own_features(kind: str, position: str) -> None:
    model = build(kind).double()
    tower = text_tower(model)
    tokenizer = SimpleTokenizer(context_length=tower.context_length)
    layout = make_layout(tokenizer, UNEVEN, 4, position)
    words = tower.token_embedding(torch.tensor([layout.placeholder] * 4)).detach()
    ours = encode_text(tower, layout, words[None], path="plain")[0]
    with torch.no_grad():
        theirs = F.normalize(model.encode_text(layout.ids()), dim=-1)
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("kind", ["clip", "siglip", "coca"])
def test_ordinary_texts_are_encoded_as_open_clip_does(kind: str) -> None:
    model = build(kind)
    tower = text_tower(model)
    tokenizer = SimpleTokenizer(context_length=tower.context_length)
    ours = encode_text(tower, text_layout(tokenizer, TEXTS), torch.zeros(1, 0, tower.width))[0]
    with torch.no_grad():
        theirs = F.normalize(model.encode_text(tokenizer(TEXTS)), dim=-1)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_contexts_of_replicates_and_classes_do_not_mix(models: dict[str, Any]) -> None:
    tower = text_tower(models["one_layer"])
    layout = make_layout(SimpleTokenizer(), ["cat", "dog", "bus"], 2)
    context = torch.randn(2, 3, 2, tower.width, dtype=torch.float64)
    together = encode_text(tower, layout, context, path="plain")
    for replicate in range(2):
        for number, name in enumerate(["cat", "dog", "bus"]):
            alone = make_layout(SimpleTokenizer(), [name], 2)
            own = encode_text(tower, alone, context[replicate, number][None], path="plain")
            torch.testing.assert_close(together[replicate, number], own[0, 0], rtol=1e-11, atol=1e-11)
