"""Weights from safetensors files into open_clip models."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.model_folder import unreadable_weights

OPENAI_SIZES = ("input_resolution", "context_length", "vocab_size")
"""Numbers that OpenAI's own checkpoints hold beside the weights."""


QUANTISED = (torch.int8, torch.uint8, torch.float8_e4m3fn, torch.float8_e5m2)
"""What stands for other numbers, which only the way they were made tells."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, fp32. Raises UserError for any other file, and for quantised
    weights."""
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise unreadable_weights(path, error) from error
    for name, tensor in state.items():
        if tensor.dtype in QUANTISED:
            message, allowed = "these weights are quantised", "weights in 16, 32 or 64 bits"
            found = f"{path}: {name} is {str(tensor.dtype).removeprefix('torch.')}"
            raise UserError(Problem(message, found=found, allowed=allowed))
    if state and all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def fill_model(model: nn.Module, state: dict[str, Tensor], path: Path) -> frozenset[int] | None:
    """Put weights into a model, in open_clip's key names or any layout that it converts from.

    A compact vocabulary is expanded: where `token_embedding.ids` (K,) names the rows of
    `token_embedding.weight` (K, D), the other rows become zero. Returns the ids that are there, or None if
    all are. path: what to name in errors. Raises UserError for weights of another architecture.
    """
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict, resize_pos_embed, resize_text_pos_embed

    state = {name: tensor for name, tensor in state.items() if name not in OPENAI_SIZES}
    state = convert_state_dict(model, state)
    if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
        state = convert_to_custom_text_state_dict(state)
    try:
        known = _expand_vocabulary(state, model)
        _match_scalars(state, model)
        resize_pos_embed(state, model)
        resize_text_pos_embed(state, model)
        model.load_state_dict(state)
    # AssertionError, KeyError: an embedding of positions that no resizing fits.
    except (RuntimeError, AssertionError, KeyError) as error:
        found = f"{path}: {' '.join(str(error)[:500].split())}"
        raise UserError(Problem("the weights do not fit the architecture", found=found)) from error
    return known


def _match_scalars(state: dict[str, Tensor], model: nn.Module) -> None:
    """Bring logit scale and bias into the model's form; models without a bias have trained none."""
    own = model.state_dict()
    for name in ("logit_scale", "logit_bias"):
        if name in state and name in own:
            state[name] = state[name].reshape(own[name].shape)
    if "logit_bias" in own and "logit_bias" not in state:
        state["logit_bias"] = torch.zeros_like(own["logit_bias"])
    # Older versions of transformers kept this buffer with the weights.
    positions = "text.transformer.embeddings.position_ids"
    if positions not in own:
        state.pop(positions, None)


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
