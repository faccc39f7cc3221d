"""What a text tower itself computes of texts, block by block: the states, and their keys and values."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.vlm.devices import to_device
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.plain import splice


@torch.no_grad()
def entering(tower: OpenClipTower, texts: Layout) -> list[Tensor]:
    """The states (C, L, D) of each text's tokens that enter each block."""
    length = texts.tokens.shape[1]
    nothing = torch.empty(1, texts.n_classes, 0, tower.width, device=tower.device, dtype=tower.dtype)
    embedded = splice(tower, texts, nothing, length)[0]
    found = [embedded + tower.positional_embedding[:length]]

    def look(number: int, states: Tensor) -> Tensor:
        found.append(states[:, :length])
        return states

    tower.encode(embedded, to_device(texts.ids(), tower.device), look)
    return found


@torch.no_grad()
def keys_and_values(tower: OpenClipTower, texts: Layout) -> Tensor:
    """Those of each text's tokens in each block, all heads side by side, (C, blocks, 2, L, D).

    The blocks have to have torch's own attention, as of ``takes_prefix``.
    """
    width, made = tower.width, []
    for block, states in zip(tower.blocks, entering(tower, texts), strict=True):
        weight, bias = block.attn.in_proj_weight, block.attn.in_proj_bias
        pairs = F.linear(block.ln_1(states), weight[width:], None if bias is None else bias[width:])
        made.append(pairs.unflatten(2, (2, width)).transpose(1, 2))
    return torch.stack(made, dim=1)
