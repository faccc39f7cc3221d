"""Text features under a prefix of keys and values, and of variants of it that begin where they differ."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.blocks import asked, through_blocks
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.plan import PackedPlan, plan_for
from nemesis_sweep.vlm.prefixed_block import takes_prefix
from nemesis_sweep.vlm.shared import known_of, run
from nemesis_sweep.vlm.tower import TextTower


@dataclass(frozen=True, eq=False)
class Entering:
    """The rows (R, K, D) that entered each block in a pass with a prefix, detached: what a change of the
    prefix in that block, or in a later one, leaves as it was."""

    plan: PackedPlan
    rows: tuple[Tensor, ...]


def prefixed_features_with_states(
    tower: OpenClipTower, layout: Layout, prefix: Tensor
) -> tuple[Tensor, Entering]:
    """Features (R, C, E), not normalised, of texts without context vectors, and what `prefix_variants` uses.

    prefix: (R, J, 2, M, D), keys and values that each of the first J blocks sees, in the tower's dtype.
    """
    plan = plan_for(layout, False, tower.device, tower.dtype, True)
    nothing = prefix.new_empty(len(prefix), 0, tower.width)
    rows: list[Tensor] = []
    features = run(tower, plan, plan.whole, nothing, prefix=prefix, entering=rows)
    return features, Entering(plan, tuple(rows))


@torch.no_grad()
def prefix_variants(tower: OpenClipTower, states: Entering, prefixes: Tensor, first: int) -> Tensor:
    """Features (R * N, C, E) of N variants per replicate, which differ from its prefix in no block before
    `first`: computed from there on.

    prefixes: (R * N, J, 2, M, D), the variants of a replicate side by side.
    """
    x = states.rows[first]
    entered = (x, *asked(tower, first, states.plan.whole, x))
    x, q, kv = (each.repeat_interleave(len(prefixes) // len(x), dim=0) for each in entered)
    numbers, constants = range(first, tower.layers), known_of(tower, states.plan).constants
    x = through_blocks(tower, numbers, states.plan, states.plan.whole, (x, q, kv), constants, prefix=prefixes)
    return tower.project(tower.ln_final(x))


def check_prefix(tower: TextTower, prefix: Tensor | None, replicates: int) -> None:
    """Raise UserError unless keys and values for the blocks of a tower, (R, J, 2, M, D), fit it."""
    if prefix is None:
        return
    check_takes_prefix(tower)
    fits = prefix.ndim == 5 and len(prefix) == replicates and prefix.shape[2] == 2
    if not fits or prefix.shape[4] != tower.width or not 0 < prefix.shape[1] <= tower.layers:
        allowed = f"({replicates}, J, 2, M, {tower.width}), J from 1 to {tower.layers}"
        found = str(tuple(prefix.shape))
        raise UserError(
            Problem("the keys and values do not fit the text tower", found=found, allowed=allowed)
        )


def check_takes_prefix(tower: TextTower) -> None:
    """Raise UserError for a tower whose attention takes no keys and values from outside."""
    if not isinstance(tower, OpenClipTower):
        found = tower.structure.partition("\n")[0].rstrip("(") or type(tower).__name__
    else:
        kinds = [type(block).__name__ for block in tower.blocks if not takes_prefix(block)]
        found = kinds[0] if kinds else ""
    if found:
        message = "this text tower takes no keys and values in its blocks"
        allowed = "a text tower of open_clip's own with its ordinary blocks, as of ViT-B-16"
        raise UserError(Problem(message, found=found, allowed=allowed))
