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

import torch
from torch import Tensor

from nemesis_sweep.vlm.blocks import Rows, projected, through_blocks
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

    The rest as of `through_blocks`.
    """
    known = known_of(tower, plan)
    x = through_blocks(
        tower, range(tower.layers), plan, part, enter(tower, plan, part, known, context), known.constants,
        deep=deep, prefix=prefix, states=states.keys_values if states else None, keep=keep, entering=entering,
    )  # fmt: skip
    return tower.project(tower.ln_final(x))


def enter(tower: OpenClipTower, plan: PackedPlan, part: Part, known: Known, context: Tensor) -> Rows:
    """The rows of a part that enter the first block, with the context in place."""
    block = tower.blocks[0]
    per_class = context.ndim == 4
    slots = (part.context_classes, part.context_slots) if per_class else (part.context_slots,)
    vectors = context[:, *slots]
    vectors = vectors + tower.positional_embedding[part.context_positions]
    h = block.ln_1(vectors)
    parts = (vectors, *projected(block.attn, h, h))
    fixed = (known.rows, known.q, known.kv)
    if part is not plan.whole:
        fixed = (known.rows[part.rows], known.q[part.rows], known.kv[part.rows])
    x, q, kv = (
        rows.expand(len(context), -1, -1).index_copy(1, part.context_at, new)
        for rows, new in zip(fixed, parts, strict=True)
    )
    return x, q[:, part.last_at] if tower.layers == 1 else q, kv


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
            q, kv = projected(tower.blocks[0].attn, h, h)
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
        kv = projected(block.attn, h, h)[1][0]
        states.append(kv.unflatten(1, (2, tower.heads, -1)).permute(1, 2, 0, 3).contiguous())
        x = block(x, attn_mask=mask) if len(tokens) else x
    return states
