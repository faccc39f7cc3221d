"""Backbones for every kind of prompt."""

import open_clip
import pytest
import torch
from open_clip.model import CLIP

from nemesis_sweep.spec.prompts import PROMPTS
from nemesis_sweep.vlm.backbone import backbone_from_open_clip


@pytest.fixture(scope="session")
def tiny_resnet():
    """CLIP with a small ResNet, whose attention pool has five tokens, random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = CLIP(
            embed_dim=32,
            vision_cfg={"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
            text_cfg={"width": 64, "heads": 2, "layers": 2, "context_length": 77, "vocab_size": 49408},
        )
    return backbone_from_open_clip(model, open_clip.get_tokenizer("RN50"), name="tiny-resnet")


@pytest.fixture(scope="session")
def backbones(tiny_backbone, tiny_resnet):
    """A backbone that can carry it, by the kind of prompt."""
    reading = {"pooled": tiny_backbone, "patches": tiny_resnet}
    return {kind: reading[entry.reads] for kind, entry in PROMPTS.items()}
