"""An image processor's settings, as transformers writes them, in the words of `Preprocess`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.preprocess import Preprocess

FILES = ("preprocessor_config.json", "processor_config.json")
"""Where the settings are; in the second one of the two under `image_processor`."""
RESAMPLE = {0: "nearest", 2: "bilinear", 3: "bicubic"}
"""PIL's numbers of what `Preprocess` has names for."""


def preprocess_of(folder: Path) -> dict[str, Any]:
    """The fields of `Preprocess` by the settings in a model's folder.

    Raises UserError where they are not there, and for images that are no squares of one size.
    """
    path = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if path is None:
        message = "no settings of the model's images beside its weights"
        raise UserError(Problem(message, found=str(folder), allowed=" or ".join(FILES)))
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        given = given.get("image_processor", given)
        words = _words(given)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        message = "these settings of images cannot be used"
        allowed = "images resized to squares of one size, with a mean and a standard deviation"
        raise UserError(Problem(message, file=str(path), found=str(error), allowed=allowed)) from error
    try:
        Preprocess(**words)
    except UserError as error:
        raise UserError([replace(each, file=str(path)) for each in error.problems]) from error
    return words


def _words(given: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ValueError or LookupError for what `Preprocess` cannot say."""
    size = given["size"] if "max_num_patches" not in given else _grid(given)
    mode, resized = _resized(size, crops=_crops(given))
    size = _side(given["crop_size"]) if _crops(given) else resized
    if given.get("resample", 3) not in RESAMPLE:
        raise ValueError(f"resample {given['resample']}")
    mean, std = _normalisation(given)
    return {
        "image_size": size,
        "resize": 0 if resized == size else resized,
        "resize_mode": mode,
        "interpolation": RESAMPLE[given.get("resample", 3)],
        "mean": mean,
        "std": std,
    }


def _grid(given: Mapping[str, Any]) -> int:
    """The side of a square image that is cut into as many patches as there may be."""
    return math.isqrt(int(given["max_num_patches"])) * int(given["patch_size"])


def _crops(given: Mapping[str, Any]) -> bool:
    return bool(given.get("do_center_crop", False))


def _resized(size: Any, *, crops: bool) -> tuple[str, int]:
    """How images are resized, and to how many pixels."""
    if isinstance(size, int):
        return ("shortest" if crops else "squash"), size
    if "shortest_edge" in size:
        if not crops:
            raise ValueError(f"size {size} without a crop")
        return "shortest", int(size["shortest_edge"])
    return "squash", _side(size)


def _side(size: Any) -> int:
    """The side of a square."""
    if isinstance(size, int):
        return size
    height, width = size.get("height"), size.get("width")
    if not isinstance(height, int) or height != width:
        raise ValueError(f"size {size}")
    return height


def _normalisation(given: Mapping[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of pixels from 0 to 1."""
    mean: tuple[float, ...] = (0.0,) * 3
    std: tuple[float, ...] = (1.0,) * 3
    if given.get("do_normalize", True):
        mean, std = (tuple(map(float, given[name])) for name in ("image_mean", "image_std"))
    if not given.get("do_rescale", True):
        raise ValueError("do_rescale false")
    # Values are byte * factor - offset, then (value - mean) / std: here (byte / 255 - mean) / std.
    factor = 255 * given.get("rescale_factor", 1 / 255)
    offset = 1.0 if given.get("rescale_offset", False) else 0.0
    moved = tuple(round((each + offset) / factor, 9) for each in mean)
    return moved, tuple(round(each / factor, 9) for each in std)
