"""Backbones with random weights, small enough for a test: open_clip's own CLIP with its own tokenizer."""

from typing import Any

import open_clip
import torch
from open_clip.model import CLIP

from nemesis_sweep.spec.prompts import Reads
from nemesis_sweep.vlm.backbone import Backbone, backbone_from_open_clip

_TEXT = {"width": 64, "heads": 2, "layers": 2, "context_length": 77, "vocab_size": 49408}
_VIT = {"image_size": 32, "patch_size": 16, "width": 64, "layers": 1, "head_width": 32}
_RESNET = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None}
_made: dict[str, Backbone] = {}


def tiny_backbone(reads: Reads = "pooled") -> Backbone:
    """A tower of two layers, E = 32; for ``patches`` beside a ResNet whose attention pool has five tokens."""
    if reads not in _made:
        _made[reads] = (
            _of("tiny", "ViT-B-32", _VIT) if reads == "pooled" else _of("tiny-resnet", "RN50", _RESNET)
        )
    return _made[reads]


def _of(name: str, tokenizer: str, vision: dict[str, Any]) -> Backbone:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = CLIP(embed_dim=32, vision_cfg=vision, text_cfg=_TEXT)
    return backbone_from_open_clip(model, open_clip.get_tokenizer(tokenizer), name=name)
