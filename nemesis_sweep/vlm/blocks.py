"""Rows of many texts on their way through the blocks of a text tower: attention alone treats texts apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.vlm.attention import packed_attention
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.plan import PackedPlan, Part

Rows = tuple[Tensor, Tensor, Tensor]
"""Rows (R, A, D) of a part that enter a block, their queries, in the last block those of EOTs, and keys and
values (R, A, 2D)."""


def through_blocks(
    tower: OpenClipTower,
    numbers: range,
    plan: PackedPlan,
    part: Part,
    entered: Rows,
    constants: Sequence[Tensor],
    *,
    deep: Tensor | None = None,
    prefix: Tensor | None = None,
    states: Sequence[Tensor] | None = None,
    keep: list[Tensor] | None = None,
    entering: list[Tensor] | None = None,
) -> Tensor:
    """What rows (R, A, D) of a part become in some blocks, by number; behind the last one (R, C, D) of EOTs.

    constants: of each block of the tower, keys and values of the constant beginning.
    deep: (R, J - 1, M, D), vectors that take the place of the context's states before blocks 1 to J - 1.
    prefix: (R, J, 2, P, D), keys and values that the tower's first J blocks see besides.
    states: keys and values of an earlier pass in these blocks, for the rows that are not of the part.
    keep: receives those of this pass; entering: the rows that enter each block; both detached.
    """
    (x, q, kv), prefixes = entered, () if prefix is None else prefix.unbind(1)
    for place, number in enumerate(numbers):
        if place:
            if deep is not None and number <= deep.shape[1]:
                x = x.index_copy(1, part.context_at, deep[:, number - 1, part.context_slots])
            q, kv = asked(tower, number, part, x)
        if keep is not None:
            keep.append(kv[:, : plan.kept].detach().clone())
        if entering is not None:
            entering.append(x.detach())
        if states is not None:
            kv = _filled_in(kv, part, plan, states[place])
        leading = prefixes[number] if number < len(prefixes) else None
        x = _through(tower, number, part, (x, q, kv), constants[number], leading)
    return x


def asked(tower: OpenClipTower, number: int, part: Part, x: Tensor) -> tuple[Tensor, Tensor]:
    """Queries of the rows (R, A, D) that ask in a block, in the last one EOTs; keys and values of all."""
    block = tower.blocks[number]
    h = block.ln_1(x)
    return projected(block.attn, h[:, part.last_at] if number == tower.layers - 1 else h, h)


def projected(attn: Any, asking: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Queries (R, a, D) of the asking rows, keys and values (R, K, 2D) of the seen ones."""
    width = seen.shape[-1]
    weight, bias = attn.in_proj_weight, attn.in_proj_bias
    low, high = (None, None) if bias is None else (bias[:width], bias[width:])
    return F.linear(asking, weight[:width], low), F.linear(seen, weight[width:], high)


def _through(
    tower: OpenClipTower, number: int, part: Part, rows: Rows, constant: Tensor, leading: Tensor | None
) -> Tensor:
    """What the rows become in one block, with all keys and values. leading: (R, 2, P, D), its prefix."""
    x, q, kv = rows
    block = tower.blocks[number]
    if number == tower.layers - 1:
        masks = part.shared_mask[:0], part.last_mask
        seen = packed_attention(q, kv, constant, masks, tower.heads, leading)[:, part.last_picks]
        x = x[:, part.last_at[part.last_picks]]
    else:
        seen = packed_attention(q, kv, constant, (part.shared_mask, part.tail_mask), tower.heads, leading)
    x = x + block.ls_1(block.attn.out_proj(seen))
    return x + block.ls_2(block.mlp(block.ln_2(x)))


def _filled_in(kv: Tensor, part: Part, plan: PackedPlan, before: Tensor) -> Tensor:
    """Keys and values (R * N, K, 2D) of all rows: the part's own, the rest from an earlier pass (R, ...)."""
    whole = kv.new_zeros(kv.shape[0], len(plan.tokens), kv.shape[2])
    whole[:, : before.shape[1]] = before.repeat_interleave(kv.shape[0] // before.shape[0], dim=0)
    return whole.index_copy_(1, part.rows, kv)
