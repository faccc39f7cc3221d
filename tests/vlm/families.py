"""One small model of every family: open_clip's own configuration, cut in depth and width, random weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import timm
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import save_file
from torch import nn

from nemesis_sweep.vlm.building import build_model
from nemesis_sweep.vlm.configuration import architecture_config
from tests.vlm.conftest import WordTokenizer

WIDTH = 64
VIT = {"depth": 1, "embed_dim": WIDTH, "num_heads": 2}
STAGES = {"depths": (1, 1, 1, 1), "dims": (8, 16, 32, WIDTH)}
FASTVIT = {"layers": (1, 1, 1, 1)}

# Architecture -> what is cut of its image tower: open_clip's own words, or arguments of timm's model.
IMAGE_TOWERS: dict[str, dict[str, Any]] = {
    "RN50-quickgelu": {"layers": [1, 1, 1, 1], "width": 16, "image_size": 64},
    "RN101-quickgelu": {"layers": [1, 1, 2, 1], "width": 16, "image_size": 64},
    "ViT-B-16-quickgelu": {"layers": 1, "width": WIDTH, "head_width": 32, "image_size": 32},
    "ViT-B-32": {"layers": 1, "width": WIDTH, "head_width": 32, "image_size": 32},
    "coca_ViT-B-32": {"layers": 1, "width": WIDTH, "head_width": 32, "image_size": 32},
    "ViT-H-14-worldwide": {"layers": 1, "width": WIDTH, "head_width": 32, "image_size": 28},
    "ViT-L-14-CLIPA": {"layers": 1, "width": WIDTH, "head_width": 32, "image_size": 28},
    "ViT-B-16-SigLIP": VIT,
    "ViT-B-16-SigLIP2": VIT,
    "EVA02-B-16": VIT,
    "convnext_base": STAGES,
    "MobileCLIP-S1": FASTVIT,
    "MobileCLIP-B": {"depth": 1},
}

# How a family's own tokenizer frames a text; what is not here uses CLIP's.
FRAMES: dict[str, dict[str, Any]] = {
    "ViT-B-16-SigLIP": {"start": None, "end": 1, "pad": 1},
    "ViT-B-16-SigLIP2": {"start": None, "end": 1, "pad": 0},
    "ViT-H-14-worldwide": {"start": 0, "end": 2, "pad": 1},
    # Bert's, whose end is taken away: it becomes padding, and the last position is pooled.
    "ViT-L-14-CLIPA": {"start": 1, "end": 0, "pad": 0},
}


def small_config(architecture: str) -> dict[str, Any]:
    """The architecture's configuration with a text tower of two layers and width 64."""
    config: dict[str, Any] = json.loads(json.dumps(architecture_config(architecture)))
    config["embed_dim"] = WIDTH
    config["text_cfg"] |= {"width": WIDTH, "heads": 2, "layers": 2}
    if architecture in FRAMES:
        config["text_cfg"]["vocab_size"] = 200
    if "multimodal_cfg" in config:
        config["multimodal_cfg"] |= {"width": WIDTH, "heads": 2, "layers": 1, "attn_pooler_heads": 2}
        config["vision_cfg"]["attn_pooler_heads"] = 2
    # Most of timm's towers are built for one size of images.
    if "timm_model_name" not in config["vision_cfg"]:
        config["vision_cfg"] |= IMAGE_TOWERS[architecture]
    return config


@contextmanager
def small_timm(architecture: str) -> Iterator[None]:
    """Build timm's image towers small: open_clip's configuration has no words for their depth."""
    build = timm.create_model
    cut = IMAGE_TOWERS[architecture]

    def small(name: str, **given: Any) -> nn.Module:
        return build(name, **{key: value for key, value in given.items() if value is not None}, **cut)

    with mock.patch.object(timm, "create_model", small):
        yield


def family_tokenizer(architecture: str, config: dict[str, Any]) -> Any:
    """CLIP's tokenizer, or one that frames texts as the family's own does."""
    length = config["text_cfg"]["context_length"]
    if architecture in FRAMES:
        return WordTokenizer(length, **FRAMES[architecture])
    return SimpleTokenizer(context_length=length)


def save_model(folder: Path, model: nn.Module, config: dict[str, Any], **preprocess: Any) -> Path:
    """A model in the form of open_clip's hub repositories."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    text = json.dumps({"model_cfg": config, "preprocess_cfg": preprocess})
    (folder / "open_clip_config.json").write_text(text)
    return folder


def small_vit(folder: Path, blocks: int = 3) -> Path:
    """A small CLIP whose image tower is a ViT of so many blocks, in the form of open_clip's hub."""
    config = small_config("ViT-B-16-quickgelu")
    config["vision_cfg"]["layers"] = blocks
    return save_model(folder, build_model(config), config)
