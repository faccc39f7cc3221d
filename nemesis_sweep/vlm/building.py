"""Building open_clip models from their configuration."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.reason import reason
from nemesis_sweep.vlm.dual_encoders.described import TRANSFORMERS
from nemesis_sweep.vlm.text_tower import text_tower
from nemesis_sweep.vlm.tower import TextTower
from nemesis_sweep.vlm.vocabulary import require_transformers

_RANDOM_SEED = 0
_TINY_VISION = {"image_size": 16, "patch_size": 16, "width": 32, "layers": 1, "head_width": 32}


def build_model(config: dict[str, Any]) -> nn.Module:
    """An open_clip model with random weights (always the same ones), on the CPU, in eval mode.

    Raises UserError for a Hugging Face text encoder whose configuration cannot be had.
    """
    from open_clip.coca_model import CoCa
    from open_clip.model import CLIP, CustomTextCLIP

    config = copy.deepcopy(config)
    text, vision = config["text_cfg"], config["vision_cfg"]
    config.pop(TRANSFORMERS, None)
    custom = config.pop("custom_text", False) or "hf_model_name" in text
    encoder = text.get("hf_model_name")
    if encoder:
        require_transformers(f"the text encoder {encoder}")
        # The weights of both towers come together, later.
        text["hf_model_pretrained"] = False
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False
    kind = CLIP if not custom else CoCa if "multimodal_cfg" in config else CustomTextCLIP
    # open_clip draws initial weights from torch's global generator: keep the caller's state out of it.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_RANDOM_SEED)
        try:
            model: nn.Module = kind(**config)
        except OSError as error:
            if not encoder:
                raise
            message = f"cannot get the configuration of the text encoder {encoder}"
            raise UserError(Problem(message, found=reason(error))) from error
    return model.eval()


def build_short_text_tower(config: Mapping[str, Any]) -> TextTower:
    """The text tower of an architecture to look at, not to use: one layer, few words, or no weights at all.

    Raises UserError for text towers that take no context vectors, and as `build_model` does.
    """
    text = copy.deepcopy(config["text_cfg"])
    is_encoder = bool(text.get("hf_model_name"))
    if not is_encoder:
        text |= {"layers": 1, "vocab_size": 16}
    short = {
        "embed_dim": config["embed_dim"],
        "vision_cfg": _TINY_VISION,
        "text_cfg": text,
        "custom_text": True,
    }
    # An encoder comes in one size only: on "meta" it takes no memory.
    with torch.device("meta" if is_encoder else "cpu"):
        return text_tower(build_model(short), text.get("context_length"))
