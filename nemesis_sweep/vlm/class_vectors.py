"""Features of contexts in whose places each class has vectors of its own from some block on (TCP).

Up to that block the prompts share their beginning, as in `shared`. From there on every row behind it differs
between classes: the rows are those of class-specific contexts, the words' with the states that they had.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nemesis_sweep.vlm.blocks import asked, through_blocks
from nemesis_sweep.vlm.devices import to_device
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.plan import PackedPlan, Part, plan_for
from nemesis_sweep.vlm.shared import KVCache, enter, known_of


@dataclass(frozen=True, eq=False)
class ClassStates:
    """What `class_vector_variants` reuses of a pass, detached.

    shared, own: keys and values in the blocks in front of the classes' vectors, and in those behind.
    rows: (R, K, D), all that left the former.
    """

    shared: KVCache
    rows: Tensor
    own: KVCache


def class_vector_features(
    tower: OpenClipTower, layout: Layout, context: Tensor, vectors: Tensor, block: int, *, keep: bool = False
) -> tuple[Tensor, ClassStates | None]:
    """Text features (R, C, E), not normalised, and with `keep` what `class_vector_variants` uses.

    context: (R, M, D); vectors: (R, C, M, D), which take its place before block number `block`, from 0; both
    in the tower's dtype.
    """
    shared, own = (plan_for(layout, each, tower.device, tower.dtype) for each in (False, True))
    known = known_of(tower, shared)
    early: list[Tensor] = []
    late: list[Tensor] = []
    entered = enter(tower, shared, shared.whole, known, context)
    numbers, kept = range(block), early if keep else None
    left = through_blocks(tower, numbers, shared, shared.whole, entered, known.constants, keep=kept)
    x = _placed(left, shared, own, own.whole, vectors)
    features = _behind(tower, block, own, own.whole, x, known.constants, keep=late if keep else None)
    if not keep:
        return features, None
    return features, ClassStates(KVCache(shared, tuple(early)), left.detach(), KVCache(own, tuple(late)))


@torch.no_grad()
def class_vector_variants(
    tower: OpenClipTower, states: ClassStates, contexts: Tensor, vectors: Tensor, first_slot: int
) -> Tensor:
    """Features (R * N, C, E) of N variants per replicate, which keep the context vectors before `first_slot`.

    contexts: (R * N, M, D), the variants of a replicate side by side; vectors: (R, C, M, D), in all of them.
    What sees no word behind the first changed vector is not computed again; with the context in front of the
    class names, no vector of a class is.
    """
    shared, own = states.shared.plan, states.own.plan
    block, count = len(states.shared.keys_values), len(contexts) // len(vectors)
    part, words, known = shared.after(first_slot), own.behind(first_slot), known_of(tower, shared)
    entered = enter(tower, shared, part, known, contexts)
    numbers, before = range(block), states.shared.keys_values
    left = through_blocks(tower, numbers, shared, part, entered, known.constants, states=before)
    rows = states.rows.repeat_interleave(count, dim=0).index_copy_(1, part.rows, left)
    x = _placed(rows, shared, own, words, vectors.repeat_interleave(count, dim=0))
    return _behind(tower, block, own, words, x, known.constants, states=states.own.keys_values)


def _behind(
    tower: OpenClipTower,
    block: int,
    own: PackedPlan,
    part: Part,
    x: Tensor,
    constants: Sequence[Tensor],
    *,
    keep: list[Tensor] | None = None,
    states: Sequence[Tensor] | None = None,
) -> Tensor:
    """Features (R, C, E) of rows (R, A, D) of the classes' own plan that enter a block.

    constants: of what all prompts begin with, so they are those of the shared plan, too.
    """
    entered, numbers = (x, *asked(tower, block, part, x)), range(block, tower.layers)
    x = through_blocks(tower, numbers, own, part, entered, constants, keep=keep, states=states)
    return tower.project(tower.ln_final(x))


def _placed(x: Tensor, shared: PackedPlan, own: PackedPlan, part: Part, vectors: Tensor) -> Tensor:
    """Rows (R, A, D) of a part of the classes' own plan: the states of all rows (R, K, D) of the shared one,
    and vectors (R, C, M, D) in the places of the context."""
    rows = x.index_select(1, _same_rows(shared, own)[part.rows])
    return rows.index_copy(1, part.context_at, vectors[:, part.context_classes, part.context_slots])


_known: weakref.WeakKeyDictionary[PackedPlan, Tensor] = weakref.WeakKeyDictionary()


def _same_rows(shared: PackedPlan, own: PackedPlan) -> Tensor:
    """(K',) of each row of the classes' own plan the one of the shared plan that holds the same token; any of
    them for padding."""
    if own not in _known:
        with torch.inference_mode(False):
            classes, positions = shared.classes[shared.shared :], shared.positions[shared.shared :]
            rows = torch.zeros(len(shared.last_rows), int(own.positions.max()) + 1, dtype=torch.int64)
            rows[:, shared.positions[: shared.shared]] = torch.arange(shared.shared)
            at = (classes >= 0).nonzero()[:, 0]
            rows[classes[at], positions[at]] = at + shared.shared
            same = rows[own.classes.clamp(min=0), own.positions]
            _known[own] = to_device(same, own.device)
    return _known[own]
