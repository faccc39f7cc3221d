"""Backbones with random weights, small enough for a test: open_clip's own CLIP with its own tokenizer."""

from typing import Any

import open_clip
import torch
from open_clip.model import CLIP
from torch import nn

from nemesis_sweep.spec.reads import PATCHES, PIXELS, POOLED, Reads
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.from_open_clip import backbone_from_open_clip

LENGTH = 32
"""Tokens of a text: the plain way, which a fast one is compared with, computes all."""
_TEXT = {"width": 64, "heads": 2, "layers": 2, "context_length": 77, "vocab_size": 49408}
_VIT = {"image_size": 32, "patch_size": 16, "width": 64, "layers": 1, "head_width": 32}
_RESNET = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None}
_TOWERS: dict[Reads, tuple[str, str, dict[str, Any]]] = {
    POOLED: ("tiny", "ViT-B-32", _VIT),
    PATCHES: ("tiny-resnet", "RN50", _RESNET),
    PIXELS: ("tiny-vit", "ViT-B-32", {**_VIT, "layers": 3}),
}
_made: dict[Reads, Backbone] = {}


def tiny_backbone(reads: Reads = POOLED) -> Backbone:
    """A text tower of two layers, E = 32, texts of ``LENGTH`` tokens; for ``patches`` beside a ResNet whose
    attention pool has five tokens, for ``pixels`` beside a ViT of three blocks and five tokens."""
    if reads not in _made:
        _made[reads] = _of(*_TOWERS[reads])
    return _made[reads]


def _of(name: str, tokenizer: str, vision: dict[str, Any]) -> Backbone:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = CLIP(embed_dim=32, vision_cfg=vision, text_cfg=_TEXT)
    # Cut afterwards: the other weights do not depend on how long texts are.
    model.context_length = LENGTH
    model.positional_embedding = nn.Parameter(model.positional_embedding.detach()[:LENGTH])
    model.attn_mask = model.attn_mask[:LENGTH, :LENGTH]
    tokens = open_clip.get_tokenizer(tokenizer, context_length=LENGTH)
    return backbone_from_open_clip(model, tokens, name=name)
