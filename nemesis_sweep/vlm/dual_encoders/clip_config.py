"""CLIP and MetaCLIP 2 as transformers writes them, in open_clip's words: the same towers, other names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CLIP = "clip"
TEXT: dict[str, Any] = {
    "vocab_size": 49408,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "max_position_embeddings": 77,
    "eos_token_id": 49407,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}
VISION: dict[str, Any] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 224,
    "patch_size": 32,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}
"""transformers' own sizes, for configurations that leave some out."""
EPS = 1e-5
"""Of open_clip's LayerNorm."""
OLD_END = 2
"""What the end of a text is in configurations of CLIP from before it was looked at: the highest id counts."""


def open_clip_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """open_clip's configuration of what a `config.json` describes.

    Raises ValueError, LookupError or TypeError for towers that open_clip has no words for.
    """
    text, vision = TEXT | dict(config["text_config"]), VISION | dict(config["vision_config"])
    acts = {text["hidden_act"], vision["hidden_act"]}
    if acts not in ({"gelu"}, {"quick_gelu"}):
        raise ValueError(f"activations {', '.join(sorted(acts))}")
    if {text["layer_norm_eps"], vision["layer_norm_eps"]} != {EPS}:
        raise ValueError("a layer_norm_eps other than 1e-5")
    by_highest = config["model_type"] == CLIP and text["eos_token_id"] == OLD_END
    end = {"pool_type": "argmax"} if by_highest else {"pool_type": "eos", "eos_id": int(text["eos_token_id"])}
    return {
        "embed_dim": int(config.get("projection_dim", 512)),
        "quick_gelu": acts == {"quick_gelu"},
        "vision_cfg": {
            **_sizes(vision),
            "image_size": int(vision["image_size"]),
            "patch_size": int(vision["patch_size"]),
            "head_width": vision["hidden_size"] // vision["num_attention_heads"],
        },
        "text_cfg": {
            **_sizes(text),
            "heads": int(text["num_attention_heads"]),
            "vocab_size": int(text["vocab_size"]),
            "context_length": int(text["max_position_embeddings"]),
            **end,
        },
    }


def _sizes(tower: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "width": int(tower["hidden_size"]),
        "layers": int(tower["num_hidden_layers"]),
        "mlp_ratio": tower["intermediate_size"] / tower["hidden_size"],
    }
