"""Backbones from where their weights are: folders, files, published tags, hub repositories, random ones."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.building import build_model
from nemesis_sweep.vlm.configuration import architecture_config
from nemesis_sweep.vlm.dual_encoders.clip_weights import open_clip_state
from nemesis_sweep.vlm.dual_encoders.described import TRANSFORMERS, family_of
from nemesis_sweep.vlm.dual_encoders.preprocessing import FILES
from nemesis_sweep.vlm.hub import CONFIG_FILE, WEIGHTS, fetch
from nemesis_sweep.vlm.hub_file import HubFile, VocabularyFile
from nemesis_sweep.vlm.model_config import config_in, fetch_config
from nemesis_sweep.vlm.model_folder import find_weights, read_config
from nemesis_sweep.vlm.published import default_tag, entry, hub_files
from nemesis_sweep.vlm.registry import Source, architecture_names
from nemesis_sweep.vlm.usable_config import usable
from nemesis_sweep.vlm.vocabulary import require_vocabulary
from nemesis_sweep.vlm.weights import OPENAI_SIZES, fill_model, read_weights

_PREPROCESS = ("mean", "std", "interpolation", "resize_mode")


@dataclass(frozen=True)
class Loaded:
    """A model (fp32, CPU), and what else its source says.

    config: of the architecture. preprocess: as far as it is known. folder: where other files of the model
    may lie. known_tokens: ids of the tokens whose embedding is there, or None if all are.
    """

    model: nn.Module
    config: dict[str, Any]
    preprocess: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    known_tokens: frozenset[int] | None = None


@dataclass(frozen=True)
class DualEncoderFiles:
    """The files of a dual encoder of transformers; those of its tokenizer lie beside its configuration."""

    config: Path
    weights: Path


def dual_encoder_files(source: Source) -> DualEncoderFiles | None:
    """Where a dual encoder of transformers lies, downloaded if need be; None for a model of open_clip's.

    Raises UserError for files that are missing.
    """
    if source.kind == "folder":
        path = source.path or Path()
        config = config_in(path if path.is_dir() else path.parent)
        if not _is_other(config):
            return None
        require_vocabulary(config.parent)
        return DualEncoderFiles(config, path if path.is_file() else find_weights(config.parent))
    if source.kind != "hub":
        return None
    config = fetch_config(source.repository, source.revision)
    if config.name == CONFIG_FILE:
        return None
    HubFile(source.repository, FILES, source.revision).fetch()
    VocabularyFile(source.repository, revision=source.revision).fetch()
    if not _is_other(config):
        return None
    return DualEncoderFiles(config, fetch(source.repository, WEIGHTS, source.revision))


def _is_other(config: Path) -> bool:
    """Whether a configuration is of a model whose towers are none of open_clip's."""
    return config.name != CONFIG_FILE and not family_of(config).is_open_clips


def load_model(source: Source) -> Loaded:
    """Build and fill the model of a source.

    Raises UserError for weights that are missing, unreadable or of another architecture.
    """
    if (other := dual_encoder_files(source)) is not None:
        title = family_of(other.config).title
        message, allowed = f"open_clip has no class for {title}", "a backbone of open_clip's"
        raise UserError(Problem(message, found=str(other.config.parent), allowed=allowed))
    if source.kind == "folder":
        return _load_folder(source.path or Path())
    if source.kind == "hub":
        return _load_repository(source)
    config: dict[str, Any] = dict(architecture_config(source.architecture))
    tag = source.tag or default_tag(source.architecture)
    known = entry(source.architecture, tag)
    # Weights of one's own expect images as the published ones of the architecture do.
    preprocess = {key: known[key] for key in _PREPROCESS if key in known}
    if source.kind == "random":
        return Loaded(build_model(config), config, preprocess)
    if source.kind == "file":
        path = source.path or Path()
        state = read_weights(path)
        _choose_activation(config, state, source.architecture, path)
        return _filled(config, preprocess, state, path)
    if not known:
        allowed = f"{source.architecture}@random, {source.architecture}@FILE.safetensors"
        raise UserError(
            Problem("open_clip has no such weights", found=f"{source.architecture}@{tag}", allowed=allowed)
        )
    path = fetch(*hub_files(known))
    # The tag knows better than an architecture that was named without `-quickgelu`.
    if known.get("quick_gelu"):
        config["quick_gelu"] = True
    return _filled(config, preprocess, read_weights(path), path)


def _filled(
    config: dict[str, Any], preprocess: dict[str, Any], state: dict[str, Tensor], path: Path
) -> Loaded:
    model = build_model(config)
    known = fill_model(model, state, path)
    return Loaded(model, config, preprocess, path.parent, known)


def _choose_activation(
    config: dict[str, Any], state: dict[str, Tensor], architecture: str, path: Path
) -> None:
    """OpenAI's models use QuickGELU, which weights do not tell: say what was assumed where it matters."""
    if any(name in state for name in OPENAI_SIZES):
        config["quick_gelu"] = True
    elif not config.get("quick_gelu") and f"{architecture}-quickgelu" in architecture_names():
        warnings.warn(
            f"{path.name} is read as {architecture}, with GELU. Weights that were trained from OpenAI's need "
            f"QuickGELU: name them {architecture}-quickgelu@{path}",
            stacklevel=2,
        )


def _load_folder(path: Path) -> Loaded:
    folder = path if path.is_dir() else path.parent
    config_path = config_in(folder)
    config, preprocess = read_config(config_path)
    weights = path if path.is_file() else find_weights(folder)
    return _configured(config, preprocess, weights, config_path)


def _load_repository(source: Source) -> Loaded:
    config_path = fetch_config(source.repository, source.revision)
    weights = fetch(source.repository, WEIGHTS, source.revision)
    return _configured(*read_config(config_path), weights, config_path)


def _configured(
    config: dict[str, Any], preprocess: dict[str, Any], weights: Path, config_path: Path
) -> Loaded:
    """The model of a configuration file and the weights beside it."""
    state = read_weights(weights)
    if TRANSFORMERS in config:
        require_vocabulary(config_path.parent)
        state = open_clip_state(state)
    with usable(config_path, "not a usable model configuration"):
        return _filled(config, preprocess, state, weights)
