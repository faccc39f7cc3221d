"""A block of open_clip's text transformer whose attention sees keys and values of a prefix besides."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def takes_prefix(block: Any) -> bool:
    """Whether a block has torch's own attention, whose projections are known; open_clip's custom ones have
    norms and scales inside."""
    return isinstance(block.attn, nn.MultiheadAttention)


def prefixed_block(block: Any, x: Tensor, mask: Tensor | None, prefix: Tensor) -> Tensor:
    """States (N, L, D) after a block, of states (N, L, D) before it.

    prefix: (N, 2, M, D), keys and values of each text, which every token sees whatever the mask says: a
    mask is additive, (L, L) or (N * heads, L, L), and about the tokens alone. A prefix has no position and no
    outputs (Li & Liang, 2021).
    """
    attention, heads = block.attn, block.attn.num_heads
    projected = F.linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
    q, k, v = projected.chunk(3, dim=-1)
    keys, values = (torch.cat([prefix[:, i], own], dim=1) for i, own in enumerate((k, v)))
    if mask is not None:
        mask = F.pad(mask.unflatten(0, (-1, heads)) if mask.ndim == 3 else mask, (prefix.shape[2], 0))
    q, keys, values = (each.unflatten(2, (heads, -1)).transpose(1, 2) for each in (q, keys, values))
    seen = F.scaled_dot_product_attention(q, keys, values, attn_mask=mask)
    x = x + block.ls_1(attention.out_proj(seen.transpose(1, 2).flatten(2)))
    return x + block.ls_2(block.mlp(block.ln_2(x)))
