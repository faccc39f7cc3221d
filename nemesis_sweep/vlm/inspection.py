"""What a backbone is made of and which way its prompts go through the text tower. Nothing is downloaded."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from torch import nn

from nemesis_sweep.spec.errors import UserError
from nemesis_sweep.vlm.backbone import Backbone, backbone_from_open_clip, load_backbone
from nemesis_sweep.vlm.layout import make_layout
from nemesis_sweep.vlm.registry import architecture_config, find_backbone
from nemesis_sweep.vlm.text import choose_path, why_not_shared
from nemesis_sweep.vlm.weights import build_model

N_CTX = 4
"""Context vectors of the prompt that is laid out to see which way it goes."""


@dataclass(frozen=True)
class Inspection:
    """The facts about a backbone that decide how it is trained.

    weights: what was looked at. pooling: the position whose state becomes the text feature. logit_bias: added
    to all logits (SigLIP), or None. text_path: `shared` or `plain`, as in `encode_text`; reason: why.
    """

    name: str
    weights: str
    text_width: int
    text_layers: int
    text_heads: int
    context_length: int
    causal: bool
    pooling: str
    image_size: int
    embed_dim: int
    logit_bias: float | None
    text_path: str
    reason: str


def inspect_backbone(name: str) -> Inspection:
    """Look into a backbone: weights on disk are read, published ones are stood in for by random weights.

    Raises UserError for unknown names and for text towers that take no context vectors.
    """
    source = find_backbone(name)
    if source.kind in ("folder", "file"):
        return _facts(load_backbone(name), "read from disk")
    config = architecture_config(source.architecture)
    text: Any = config["text_cfg"]
    model = build_model(_with_short_image_tower(config))
    # A tokenizer from the Hugging Face hub would have to be downloaded.
    tokenizer = None if text.get("hf_tokenizer_name") else _standard_tokenizer(model)
    backbone = backbone_from_open_clip(model, tokenizer, name=name)
    return _facts(backbone, "random, of the same architecture")


def _facts(backbone: Backbone, weights: str) -> Inspection:
    tower = backbone.text
    path, reason = _text_path(backbone)
    return Inspection(
        name=backbone.name,
        weights=weights,
        text_width=tower.width,
        text_layers=len(tower.blocks),
        text_heads=tower.heads,
        context_length=tower.context_length,
        causal=tower.attn_mask is not None,
        pooling={"argmax": "EOT", "eos": "EOT"}.get(tower.pool, tower.pool),
        image_size=backbone.preprocess.image_size,
        embed_dim=backbone.embed_dim,
        logit_bias=backbone.logit_bias,
        text_path=path,
        reason=reason,
    )


def _text_path(backbone: Backbone) -> tuple[str, str]:
    tower = backbone.text
    if tower.reason:
        return "plain", tower.reason
    shared = "causal attention and EOT pooling: prompts share their beginning and end at EOT"
    if backbone.tokenizer is None:
        return "shared", f"{shared} (its tokenizer was not looked at: it would have to be downloaded)"
    layout = make_layout(backbone.tokenizer, ["cat", "golden retriever"], N_CTX)
    return choose_path(tower, layout), why_not_shared(tower, layout) or shared


def _with_short_image_tower(config: dict[str, object]) -> dict[str, Any]:
    """The architecture with one layer of open_clip's own image tower: its depth decides nothing here."""
    short: dict[str, Any] = copy.deepcopy(config)
    if isinstance(short["vision_cfg"].get("layers"), int):
        short["vision_cfg"]["layers"] = 1
    return short


def _standard_tokenizer(model: nn.Module) -> Any:
    import open_clip

    text: Any = getattr(model, "text", model)
    length = getattr(text, "context_length", None)
    if length is None:
        raise UserError("this text tower does not say how many tokens it takes")
    return open_clip.SimpleTokenizer(context_length=length)
