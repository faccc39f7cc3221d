"""Text features with nothing computed twice: the common beginning of the prompts runs once, then the tails.

Exact for causal towers that pool EOT: no state depends on what comes later, so the states of SOS and the
shared context are the same for every class. All rows (shared and tails, see `plan`) go through each layer
together; attention alone treats them apart. The first layer projects context vectors only, the rest is
known. In the last layer, only EOT rows ask and go on. A prefix (keys and values in each block) is seen by all
rows and has none of its own.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.vlm.attention import packed_attention
from nemesis_sweep.vlm.devices import to_device
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.plan import PackedPlan, Part, plan_for


@dataclass(frozen=True, eq=False)
class KVCache:
    """Keys and values (R, K', 2D) of a forward pass in each layer, detached, for passes that reuse them.

    Only the shared rows (K' = m) are kept where every context vector stands in front of all tails.
    """

    plan: PackedPlan
    keys_values: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Known:
    """What a tower makes of a plan without any context: embeddings (K, D), first queries (K, D), keys and
    values (K, 2D), and per layer the keys and values (2, h, P0, d) of the constant beginning."""

    rows: Tensor
    q: Tensor
    kv: Tensor
    constants: list[Tensor]


def shared_features(
    tower: OpenClipTower,
    layout: Layout,
    context: Tensor,
    deep: Tensor | None = None,
    prefix: Tensor | None = None,
) -> Tensor:
    """Text features (R, C, E), not normalised, of context (R, M, D) or (R, C, M, D) in the tower's dtype.

    deep: (R, J - 1, M, D), vectors that take the place of the context's states before blocks 1 to J - 1.
    prefix: (R, J, 2, P, D), keys and values that the attention of each of the first J blocks sees besides.
    """
    plan = plan_for(layout, context.ndim == 4, tower.device, tower.dtype, prefix is not None)
    return run(tower, plan, plan.whole, context, deep=deep, prefix=prefix)


def shared_features_with_states(
    tower: OpenClipTower, layout: Layout, context: Tensor, deep: Tensor | None = None
) -> tuple[Tensor, KVCache]:
    """The same features, and the states that `variant_features` reuses."""
    plan = plan_for(layout, context.ndim == 4, tower.device, tower.dtype)
    keep: list[Tensor] = []
    features = run(tower, plan, plan.whole, context, deep=deep, keep=keep)
    return features, KVCache(plan, tuple(keep))


@torch.no_grad()
def variant_features(
    tower: OpenClipTower, states: KVCache, contexts: Tensor, first_slot: int, deep: Tensor | None = None
) -> Tensor:
    """Features (R * N, C, E) of N variants per replicate, which keep the vectors before `first_slot`.

    contexts: (R * N, M, D) or (R * N, C, M, D), the variants of a replicate side by side. Rows in front of
    `first_slot` are not computed again: their keys and values are those of `states`.
    """
    return run(tower, states.plan, states.plan.after(first_slot), contexts, deep=deep, states=states)


def run(
    tower: OpenClipTower,
    plan: PackedPlan,
    part: Part,
    context: Tensor,
    *,
    deep: Tensor | None = None,
    prefix: Tensor | None = None,
    states: KVCache | None = None,
    keep: list[Tensor] | None = None,
    entering: list[Tensor] | None = None,
) -> Tensor:
    """Features (R, C, E) from the rows of a part; the others' keys and values come from `states`.

    deep, prefix: as of `shared_features`. keep: a list that receives the keys and values of each layer.
    entering: one that receives the rows (R, A, D) that enter it.
    """
    known = known_of(tower, plan)
    x, q, kv = enter(tower, plan, part, known, context)
    blocks, prefixes = tower.blocks, () if prefix is None else prefix.unbind(1)
    for number, (block, constant) in enumerate(zip(blocks, known.constants, strict=True)):
        is_last = number == len(blocks) - 1
        if number:
            if deep is not None and number <= deep.shape[1]:
                x = x.index_copy(1, part.context_at, deep[:, number - 1, part.context_slots])
            q, kv = asked(block, part, x, is_last)
        elif is_last:
            q = q[:, part.last_at]
        if keep is not None:
            keep.append(kv[:, : plan.kept].detach().clone())
        if entering is not None:
            entering.append(x.detach())
        if states is not None:
            kv = filled_in(kv, part, plan, states.keys_values[number])
        leading = prefixes[number] if number < len(prefixes) else None
        x = through(tower, number, part, (x, q, kv), constant, leading)
    return tower.project(tower.ln_final(x))


def asked(block: Any, part: Part, x: Tensor, is_last: bool) -> tuple[Tensor, Tensor]:
    """Queries of the rows (R, A, D) that ask, in the last block those of EOTs, and keys and values of all."""
    h = block.ln_1(x)
    return _project(block.attn, h[:, part.last_at] if is_last else h, h)


def through(
    tower: OpenClipTower,
    number: int,
    part: Part,
    rows: tuple[Tensor, Tensor, Tensor],
    constant: Tensor,
    leading: Tensor | None,
) -> Tensor:
    """What rows (R, A, D), their queries, and all keys and values become in a block: the rows, or in the last
    one the EOTs' (R, C, D). leading: (R, 2, P, D) of the block's prefix, if it has one."""
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


def enter(
    tower: OpenClipTower, plan: PackedPlan, part: Part, known: Known, context: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows (R, A, D) of a part with the context in place, their first queries, keys and values."""
    block = tower.blocks[0]
    per_class = context.ndim == 4
    slots = (part.context_classes, part.context_slots) if per_class else (part.context_slots,)
    vectors = context[:, *slots]
    vectors = vectors + tower.positional_embedding[part.context_positions]
    h = block.ln_1(vectors)
    parts = (vectors, *_project(block.attn, h, h))
    fixed = (known.rows, known.q, known.kv)
    if part is not plan.whole:
        fixed = (known.rows[part.rows], known.q[part.rows], known.kv[part.rows])
    x, q, kv = (
        rows.expand(len(context), -1, -1).index_copy(1, part.context_at, new)
        for rows, new in zip(fixed, parts, strict=True)
    )
    return x, q, kv


def _project(attn: Any, asking: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Queries (R, a, D) of the asking rows, keys and values (R, K, 2D) of the seen ones."""
    width = seen.shape[-1]
    weight, bias = attn.in_proj_weight, attn.in_proj_bias
    low, high = (None, None) if bias is None else (bias[:width], bias[width:])
    return F.linear(asking, weight[:width], low), F.linear(seen, weight[width:], high)


def filled_in(kv: Tensor, part: Part, plan: PackedPlan, before: Tensor) -> Tensor:
    """Keys and values (R * N, K, 2D) of all rows: the part's own, the rest from an earlier pass (R, ...)."""
    whole = kv.new_zeros(kv.shape[0], len(plan.tokens), kv.shape[2])
    whole[:, : before.shape[1]] = before.repeat_interleave(kv.shape[0] // before.shape[0], dim=0)
    return whole.index_copy_(1, part.rows, kv)


_knowns: weakref.WeakKeyDictionary[OpenClipTower, weakref.WeakKeyDictionary[PackedPlan, Known]]
_knowns = weakref.WeakKeyDictionary()


def known_of(tower: OpenClipTower, plan: PackedPlan) -> Known:
    by_plan = _knowns.setdefault(tower, weakref.WeakKeyDictionary())
    if plan not in by_plan:
        # What is kept must serve training too, even if the first use is under inference_mode.
        with torch.inference_mode(False), torch.no_grad():
            tokens, positions = (to_device(each, tower.device) for each in (plan.tokens, plan.positions))
            rows = tower.token_embedding(tokens) + tower.positional_embedding[positions]
            h = tower.blocks[0].ln_1(rows)
            q, kv = _project(tower.blocks[0].attn, h, h)
            by_plan[plan] = Known(
                rows, q, kv, _constants(tower, to_device(plan.constant_tokens, tower.device))
            )
    return by_plan[plan]


def _constants(tower: OpenClipTower, tokens: Tensor) -> list[Tensor]:
    """Keys and values (2, h, P0, d) of the constant beginning in each layer."""
    x = (tower.token_embedding(tokens) + tower.positional_embedding[: len(tokens)])[None]
    mask = torch.full((len(tokens), len(tokens)), float("-inf"), device=x.device, dtype=x.dtype).triu(1)
    states = []
    for block in tower.blocks:
        h = block.ln_1(x)
        kv = _project(block.attn, h, h)[1][0]
        states.append(kv.unflatten(1, (2, tower.heads, -1)).permute(1, 2, 0, 3).contiguous())
        x = block(x, attn_mask=mask) if len(tokens) else x
    return states
