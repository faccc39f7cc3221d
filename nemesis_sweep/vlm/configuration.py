"""What the configuration of a backbone says of its towers, without importing torch or open_clip."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.dual_encoders.described import TRANSFORMERS, family_of
from nemesis_sweep.vlm.dual_encoders.families import FAMILIES
from nemesis_sweep.vlm.hub import CONFIG_FILE
from nemesis_sweep.vlm.model_config import cached_config, config_in
from nemesis_sweep.vlm.model_folder import read_config
from nemesis_sweep.vlm.registry import Source, architecture_names, find_backbone, nearest_name

DEFAULT_LENGTH, DEFAULT_LAYERS = 77, 12
"""Tokens of a text and blocks of its tower where the architecture does not say: open_clip's defaults."""

VISION_DEFAULTS = {"image_size": 224, "patch_size": 16, "width": 768}
"""open_clip's own of a ViT."""


def context_length(name: str) -> int | None:
    """Tokens in a text of a backbone, from its configuration; None where that is not on this machine."""
    config = text_config(name)
    return None if config is None else config.get("context_length") or DEFAULT_LENGTH


def text_config(name: str) -> dict[str, Any] | None:
    """The `text_cfg` of a backbone's configuration; None where that is not on this machine, or of no use."""
    try:
        source = find_backbone(name)
        config = architecture_config(source.architecture) if source.architecture else _config_of(source)
        text: dict[str, Any] = config["text_cfg"]
        return text if isinstance(text.get("context_length") or DEFAULT_LENGTH, int) else None
    except (UserError, OSError, ValueError, LookupError, AttributeError, TypeError):
        return None  # What is wrong with it is told elsewhere.


def text_blocks(name: str) -> int | None:
    """Blocks of a backbone's text tower that take vectors of their own: 0 for one of Hugging Face's, None
    where its configuration is not on this machine."""
    config = text_config(name)
    if config is None or config.get("hf_model_name") or config.get(TRANSFORMERS):
        return None if config is None else 0
    layers = config.get("layers", DEFAULT_LAYERS)
    return layers if isinstance(layers, int) else None


def no_patches(name: str) -> str:
    """Why a backbone's image tower has no features of the parts of an image, by its configuration; '' where
    it has, or where that is not known before its weights are."""
    config = _vision_config(name)
    if config is None or isinstance(config.get("layers"), list):
        return ""
    if other := _of_others(config):
        return other
    if config.get("attentional_pool"):
        return "its image tower pools by attention of its own"
    if config.get("pool_type", "tok") != "tok" or config.get("final_ln_after_pool"):
        return "its image tower has no class token"
    return ""


def no_image_blocks(name: str) -> str:
    """Why vectors cannot be put before blocks of a backbone's image tower, by its configuration; '' where
    they can, or where that is not known before its weights are."""
    config = _vision_config(name)
    if config is None:
        return ""
    return _of_others(config) or "its image tower is a ResNet" * isinstance(config.get("layers"), list)


def several_features(name: str) -> str:
    """Why an image has several features of a backbone, by its configuration; '' where it has one, or where
    that is not known before its weights are."""
    family = FAMILIES.get((_vision_config(name) or {}).get(TRANSFORMERS, ""))
    return f"an image has several of {family.title}" if family is not None and family.several else ""


def _of_others(vision: dict[str, Any]) -> str:
    """Whose an image tower is that is none of open_clip's own; '' for those."""
    if vision.get("timm_model_name"):
        return f"its image tower is timm's {vision['timm_model_name']}"
    family = vision.get(TRANSFORMERS)
    return f"its image tower is that of transformers' {FAMILIES[family].model_class}" if family else ""


def image_blocks(name: str) -> int | None:
    """Blocks of a backbone's image tower that vectors can be put before: 0 where it is no ViT of open_clip's,
    None where its configuration is not on this machine."""
    config = _vision_config(name)
    if config is None or no_image_blocks(name):
        return None if config is None else 0
    layers = config.get("layers", DEFAULT_LAYERS)
    return layers if isinstance(layers, int) else None


def image_token_numbers(name: str) -> int:
    """Numbers of the tokens of an image in a backbone's ViT, Q * W; 0 where that is not known."""
    size, patch, width = _vit_sizes(name)
    return ((size // patch) ** 2 + 1) * width


def image_bytes(name: str) -> int:
    """Bytes of the pixels of an image for a backbone's ViT; 0 where that is not known."""
    return 3 * _vit_sizes(name)[0] ** 2


def _vit_sizes(name: str) -> tuple[int, int, int]:
    """Sizes of images and patches in pixels, and the width; 0, 1, 0 where they are not known."""
    config = _vision_config(name)
    sizes = [] if config is None else [config.get(key, usual) for key, usual in VISION_DEFAULTS.items()]
    if not sizes or no_image_blocks(name) or not all(isinstance(each, int) for each in sizes):
        return 0, 1, 0
    size, patch, width = sizes
    return size, patch, width


def untrained_patches(name: str) -> bool:
    """Whether a backbone's features of parts are those of a ViT's patches, which CLIP has never compared with
    texts; False where that is not known before its weights are."""
    config = _vision_config(name)
    return config is not None and not isinstance(config.get("layers"), list) and not no_patches(name)


def _vision_config(name: str) -> dict[str, Any] | None:
    try:
        source = find_backbone(name)
        config = architecture_config(source.architecture) if source.architecture else _config_of(source)
        vision: dict[str, Any] = config["vision_cfg"]
        return vision if isinstance(vision, dict) else None
    except (UserError, OSError, ValueError, LookupError, AttributeError, TypeError):
        return None  # What is wrong with it is told elsewhere.


def model_folder(name: str) -> Path | None:
    """The folder in which a backbone's own configuration lies; None for architectures of open_clip's.

    Raises UserError as `find_backbone` does.
    """
    return _folder_of(find_backbone(name))


def _folder_of(source: Source) -> Path | None:
    path = source.path
    if source.kind == "hub":
        path = cached_config(source.repository, source.revision)
    return path if path is None or path.is_dir() else path.parent


def _config_of(source: Source) -> dict[str, Any]:
    folder = _folder_of(source)
    if folder is None:
        raise FileNotFoundError(CONFIG_FILE)
    return read_config(config_in(folder))[0]


def architecture_config(name: str) -> dict[str, Any]:
    """open_clip's configuration of an architecture, as in its JSON file."""
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None or name not in architecture_names():
        raise UserError(Problem("unknown architecture", found=repr(name), nearest=nearest_name(name)))
    path = Path(spec.origin).parent / "model_configs" / f"{name}.json"
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return config


def stores_scale(name: str) -> bool:
    """Whether a backbone's weights have a factor on cosines of their own, as far as its files tell."""
    try:
        folder = _folder_of(find_backbone(name))
        path = None if folder is None else config_in(folder)
        return path is None or path.name == CONFIG_FILE or family_of(path).stores_scale
    except UserError:
        return True  # What is wrong with it is told elsewhere.
