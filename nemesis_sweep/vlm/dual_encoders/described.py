"""What the files of a dual encoder of transformers say of it, in open_clip's words. Neither is imported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.vlm.dual_encoders.clip_config import open_clip_config
from nemesis_sweep.vlm.dual_encoders.families import FAMILIES, Family
from nemesis_sweep.vlm.dual_encoders.preprocessing import preprocess_of

TRANSFORMERS = "transformers"
"""The key of a model's, a text tower's and an image tower's configuration that names its family."""


def model_type(path: Path) -> str:
    """What a `config.json` calls its kind of model; '' where it does not say."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""


def is_dual_encoder(path: Path) -> bool:
    """Whether a `config.json` is of one of the families."""
    return model_type(path) in FAMILIES


def family_of(path: Path) -> Family:
    """The family of a `config.json`. Raises UserError for any other."""
    found = model_type(path)
    if found not in FAMILIES:
        message = "a model of transformers of no family that is known here"
        problem = Problem(message, file=str(path), found=f"model_type {found!r}", allowed=", ".join(FAMILIES))
        raise UserError(replace(problem, nearest=nearest(found, list(FAMILIES))))
    return FAMILIES[found]


def described(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Architecture and preprocess configuration of a `config.json`. Raises UserError as `family_of` does, and
    for settings of images that cannot be used."""
    family = family_of(path)
    preprocess = preprocess_of(path.parent)
    if family.is_open_clips:
        config = _open_clips(path, family)
        refuse_other_size(path, preprocess["image_size"], config["vision_cfg"]["image_size"])
        return config, preprocess
    config = {
        TRANSFORMERS: family.model_type,
        "vision_cfg": {TRANSFORMERS: family.model_type, "image_size": preprocess["image_size"]},
        "text_cfg": {
            TRANSFORMERS: family.model_type,
            "context_length": min(family.length, _positions(path, family) or family.length),
            **_tokenizer(path),
        },
    }
    return config, preprocess


def refuse_other_size(config: Path, given: int, taken: int) -> None:
    """Raise UserError for settings of images that are not of the size, in pixels, that the tower takes."""
    if given != taken:
        message = "the settings of images are not of the size that the image tower takes"
        found = f"{given} pixels, and {taken} in config.json"
        raise UserError(Problem(message, file=str(config.parent), found=found))


def _open_clips(path: Path, family: Family) -> dict[str, Any]:
    """The configuration of towers that are open_clip's own under other names."""
    try:
        config = open_clip_config(json.loads(path.read_text(encoding="utf-8")))
    except (LookupError, ValueError, TypeError) as error:
        message = f"open_clip has no words for this model of {family.title}"
        raise UserError(Problem(message, file=str(path), found=f"{error}")) from error
    config["text_cfg"] |= _tokenizer(path)
    return {TRANSFORMERS: family.model_type, **config}


def _tokenizer(path: Path) -> dict[str, Any]:
    return {"hf_tokenizer_name": str(path.parent), "tokenizer_kwargs": {"padding_side": "right"}}


def _positions(path: Path, family: Family) -> int | None:
    """How many positions the text tower has; None where its configuration leaves that to the class."""
    text = json.loads(path.read_text(encoding="utf-8")).get(family.text_config)
    found = text.get("max_position_embeddings") if isinstance(text, dict) else None
    return found if isinstance(found, int) else None
