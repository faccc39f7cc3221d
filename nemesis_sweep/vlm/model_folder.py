"""A model on disk: its configuration, and its weights as far as their header tells. Nothing needs torch."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.dual_encoders.described import described
from nemesis_sweep.vlm.hub import ENCODER_FILE, WEIGHTS
from nemesis_sweep.vlm.registry import PICKLES, refuse_pickle

LENGTH = 8
"""Bytes of a safetensors file that hold the length of its header, which follows."""

_PICKLE_STARTS = (b"PK\x03\x04", b"\x80")
"""What torch.save writes first, now and formerly."""


def read_config(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Architecture and preprocess configuration of an `open_clip_config.json`, or of a `config.json` of
    transformers in the same words. Raises UserError."""
    if path.name == ENCODER_FILE:
        return described(path)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        model, preprocess = config["model_cfg"], config.get("preprocess_cfg") or {}
        if not all(isinstance(model[key], dict) for key in ("text_cfg", "vision_cfg")):
            raise TypeError("text_cfg and vision_cfg must be objects")
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = Problem("not a usable model configuration", file=str(path), found=repr(error))
        raise UserError(problem) from error
    return dict(model), dict(preprocess)


def find_weights(folder: Path) -> Path:
    """The weights in a model's folder. Raises UserError where there are none, or several of other names."""
    for name in WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    others = sorted(folder.glob("*.safetensors"))
    if len(others) == 1:
        return others[0]
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    if pickles and not others:
        refuse_pickle(folder / pickles[0])
    found = ", ".join(path.name for path in others) or "none"
    raise UserError(Problem(f"which weights? {folder}", found=found, allowed=", ".join(WEIGHTS)))


def check_weights(path: Path) -> None:
    """Raise UserError for a file that is no safetensors file or is cut short; only its header is read.

    Read here, for safetensors' own `safe_open` imports numpy or torch for it.
    """
    try:
        with path.open("rb") as file:
            there = os.fstat(file.fileno()).st_size - LENGTH
            length = int.from_bytes(file.read(LENGTH), "little")
            if not 0 < length <= there:
                raise ValueError("its header is cut short, or it is no safetensors file")
            header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        if length + max(ends, default=0) != there:
            raise ValueError(f"{there - length} bytes of weights instead of {max(ends, default=0)}")
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise unreadable_weights(path, error) from error


def unreadable_weights(path: Path, error: Exception) -> UserError:
    """What to tell of a file that is no safetensors file. Raises UserError itself for a renamed pickle."""
    try:
        with path.open("rb") as file:
            if file.read(4).startswith(_PICKLE_STARTS):
                refuse_pickle(path)
    except OSError:
        pass  # The first error says why.
    return UserError(Problem("the weights cannot be read", found=f"{path}: {error}"))
