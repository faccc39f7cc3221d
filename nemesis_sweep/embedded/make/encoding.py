"""Read captions that share their beginning, and the beginning once."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from torch import Tensor


def encode_captions(model: CLIP, before: Tensor, captions: Tensor) -> Tensor:
    """Captions (B, L) of compact ids behind one beginning (P, D), to features (B, E), L2-normalised.

    ``before`` holds the embedded start token and whatever follows it in every caption; it is read once.
    """
    start = len(before)
    position = model.positional_embedding
    shared = before[None] + position[:start]
    own = model.token_embedding(captions) + position[start : start + captions.shape[1]]
    for block in model.transformer.resblocks:
        shared, own = _block(block, shared, own)
    pooled = model.ln_final(own[torch.arange(len(captions)), captions.argmax(-1)])
    return F.normalize(pooled @ model.text_projection, dim=-1)


def _block(block: Any, shared: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """One residual block of open_clip's transformer over (1, P, D) and, behind it, (B, L, D), causal."""
    attention, (count, length, _) = block.attn, own.shape

    def heads(states: Tensor) -> list[Tensor]:
        projected = F.linear(block.ln_1(states), attention.in_proj_weight, attention.in_proj_bias)
        split = projected.unflatten(-1, (3, attention.num_heads, -1))  # (B, L, 3, H, D / H)
        return list(split.permute(2, 0, 3, 1, 4))

    def ahead(states: Tensor, mixed: Tensor) -> Tensor:
        states = states + attention.out_proj(mixed.transpose(1, 2).flatten(2))
        return states + block.mlp(block.ln_2(states))

    query, key, value = heads(own)
    first_query, first_key, first_value = heads(shared)
    keys = torch.cat([first_key.expand(count, -1, -1, -1), key], 2)
    values = torch.cat([first_value.expand(count, -1, -1, -1), value], 2)
    start = shared.shape[1]
    seen = torch.ones(length, start + length, dtype=torch.bool).tril(start)
    mixed = F.scaled_dot_product_attention(query, keys, values, attn_mask=seen)
    first = F.scaled_dot_product_attention(first_query, first_key, first_value, is_causal=True)
    return ahead(shared, first), ahead(own, mixed)
