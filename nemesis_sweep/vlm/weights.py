"""Building open_clip models and filling them with weights from safetensors files."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.vlm.registry import CONFIG_FILE, Source, architecture_config

# The order in which weights are looked for in a folder.
_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "model.safetensors")
_RANDOM_SEED = 0


def load_model(source: Source) -> tuple[nn.Module, dict[str, Any], frozenset[int] | None]:
    """Build and fill the model of a source.

    Returns the model (fp32, CPU), the preprocess configuration as far as it is known, and the ids of the
    tokens whose embedding is there, or None if all are. Raises UserError for weights that are missing,
    unreadable or of another architecture.
    """
    if source.kind == "folder":
        return _load_folder(source.path or Path())
    config: dict[str, Any] = dict(architecture_config(source.architecture))
    if source.kind == "random":
        return build_model(config), {}, None
    if source.kind == "file":
        model = build_model(config)
        return model, {}, fill_model(model, source.path or Path())
    return _load_published(source, config)


def build_model(config: dict[str, Any]) -> nn.Module:
    """An open_clip model with random weights (always the same ones), on the CPU, in eval mode."""
    from open_clip.coca_model import CoCa
    from open_clip.model import CLIP, CustomTextCLIP

    config = copy.deepcopy(config)
    text, vision = config["text_cfg"], config["vision_cfg"]
    custom = config.pop("custom_text", False) or "hf_model_name" in text
    if text.get("hf_model_name"):
        raise UserError(
            "this architecture's text tower is a Hugging Face encoder: no place for context vectors"
        )
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False
    kind = CLIP if not custom else CoCa if "multimodal_cfg" in config else CustomTextCLIP
    # open_clip draws initial weights from torch's global generator: keep the caller's state out of it.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_RANDOM_SEED)
        model: nn.Module = kind(**config)
    return model.eval()


def fill_model(model: nn.Module, path: Path) -> frozenset[int] | None:
    """Load a safetensors file in open_clip's own key names into a model.

    A compact vocabulary is expanded: where `token_embedding.ids` (K,) names the rows of
    `token_embedding.weight` (K, D), the other rows become zero. Returns the ids that are there, or None if
    all are.
    """
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(Problem("the weights cannot be read", found=f"{path}: {error}")) from error
    known = _expand_vocabulary(state, model)
    state = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        found = f"{path}: {str(error)[:500]}"
        raise UserError(Problem("the weights do not fit the architecture", found=found)) from error
    return known


def _expand_vocabulary(state: dict[str, Tensor], model: nn.Module) -> frozenset[int] | None:
    for name in [name for name in state if name.endswith("token_embedding.ids")]:
        ids = state.pop(name).long()
        weight_name = name.removesuffix("ids") + "weight"
        rows = model.state_dict()[weight_name].shape[0]
        full = state[weight_name].new_zeros(rows, state[weight_name].shape[1])
        full[ids] = state[weight_name]
        state[weight_name] = full
        return frozenset(ids.tolist())
    return None


def _load_folder(path: Path) -> tuple[nn.Module, dict[str, Any], frozenset[int] | None]:
    folder = path if path.is_dir() else path.parent
    config_path = folder / CONFIG_FILE
    try:
        config = json.loads(config_path.read_text(encoding="utf-8"))
        model = build_model(config["model_cfg"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = Problem("not a usable model configuration", file=str(config_path), found=repr(error))
        raise UserError(problem) from error
    weights = path if path.is_file() else _find_weights(folder)
    return model, config.get("preprocess_cfg", {}), fill_model(model, weights)


def _find_weights(folder: Path) -> Path:
    for name in _WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    others = sorted(folder.glob("*.safetensors"))
    if len(others) == 1:
        return others[0]
    found = ", ".join(path.name for path in others) or "none"
    raise UserError(Problem(f"which weights? {folder}", found=found, allowed=", ".join(_WEIGHTS)))


def _load_published(source: Source, config: dict[str, Any]) -> tuple[nn.Module, dict[str, Any], None]:
    """Download (or take from the cache) published weights. OpenAI's need QuickGELU, which the tag says."""
    from open_clip import pretrained
    from open_clip.factory import load_checkpoint

    name = source.architecture
    tags = pretrained.list_pretrained_tags_by_model(name)
    if not tags:
        allowed = f"{name}@random, {name}@FILE.safetensors"
        raise UserError(Problem("open_clip has no published weights", found=name, allowed=allowed))
    tag = source.tag or ("openai" if "openai" in tags else tags[0])
    published = pretrained.get_pretrained_cfg(name, tag)
    if not published:
        raise UserError(Problem(f"unknown tag for {name}", found=repr(tag), allowed=", ".join(tags)))
    try:
        path = Path(pretrained.download_pretrained(published))
    # What a download can raise depends on the hub client: OSError covers the network and its own errors.
    except (OSError, RuntimeError, ValueError) as error:
        found = f"{type(error).__name__}: {error}"
        raise UserError(Problem(f"cannot download {name}@{tag}", found=found)) from error
    if path.suffix != ".safetensors":
        message = f"the weights of {name}@{tag} are published only as a pickle, which is not read"
        raise UserError(Problem(message, found=path.name, allowed="safetensors"))
    if published.get("quick_gelu"):
        config["quick_gelu"] = True
    model = build_model(config)
    load_checkpoint(model, str(path))
    return model, dict(published), None
