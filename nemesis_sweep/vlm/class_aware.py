"""Text features of contexts that give way to vectors of each class's own before a later block (TCP)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.class_vectors import ClassStates, class_vector_features, class_vector_variants
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.plain import plain_features
from nemesis_sweep.vlm.text import check_fit, check_takes_vectors, choose_path
from nemesis_sweep.vlm.tower import TextTower
from nemesis_sweep.vlm.variants import changed, check_changes


def encode_class_aware(
    tower: TextTower,
    layout: Layout,
    context: Tensor,
    vectors: Tensor,
    block: int,
    *,
    path: str = "auto",
    keep: bool = False,
) -> tuple[Tensor, ClassStates | None]:
    """L2-normalised text features (R, C, E) of R contexts, with gradients for contexts and vectors.

    context: (R, M, D), as of `encode_text`. vectors: (R, C, M, D), which take the place of its states, and so
    are seen in its stead, from block number `block` on; blocks count from 0.
    keep: gives the states that `encode_class_aware_variants` reuses, if the tower can share them, else None.

    Raises UserError for what does not fit layout and tower, and for a tower that takes no such vectors.
    """
    check_fit(tower, layout, context)
    _check_vectors(tower, layout, context, vectors, block)
    assert isinstance(tower, OpenClipTower)
    chosen, states = choose_path(tower, layout, path), None
    first, own = context.to(tower.dtype), vectors.to(tower.dtype)
    if chosen == "shared":
        features, states = class_vector_features(tower, layout, first, own, block, keep=keep)
    else:
        first = first[:, None].expand(-1, layout.n_classes, -1, -1)
        features = plain_features(tower, layout, first, cut=chosen == "cut", own=(block, own))
    return F.normalize(features.to(context.dtype), dim=-1), states


@torch.no_grad()
def encode_class_aware_variants(
    tower: TextTower,
    layout: Layout,
    context: Tensor,
    vectors: Tensor,
    block: int,
    positions: Tensor,
    by: Tensor,
    *,
    states: ClassStates | None = None,
    first: int | None = None,
) -> Tensor:
    """L2-normalised features (R, N, C, E) with one context vector changed, those of the classes as they were.
    Without gradients.

    positions, by, first: as of `encode_variants`, for a context (R, M, D). states: what `encode_class_aware`
    kept of this context and these vectors.

    Raises UserError for positions outside 0..M-1, and shapes that do not fit.
    """
    check_changes(len(context), layout.n_ctx, positions, by, first)
    contexts = changed(context, positions, by)
    if states is None:
        own = vectors.repeat_interleave(positions.shape[1], dim=0)
        features, _ = encode_class_aware(tower, layout, contexts, own, block)
    else:
        assert isinstance(tower, OpenClipTower)
        if first is None:
            first = int(positions.min()) if positions.numel() else 0
        raw = class_vector_variants(tower, states, contexts.to(tower.dtype), vectors.to(tower.dtype), first)
        features = F.normalize(raw.to(context.dtype), dim=-1)
    return features.unflatten(0, tuple(positions.shape))


def _check_vectors(tower: TextTower, layout: Layout, context: Tensor, vectors: Tensor, block: int) -> None:
    check_takes_vectors(tower)
    shape = (len(context), layout.n_classes, layout.n_ctx, tower.width)
    if context.ndim != 3 or tuple(vectors.shape) != shape:
        message = "the vectors of the classes do not fit context, layout and tower"
        found = f"{tuple(vectors.shape)} beside a context {tuple(context.shape)}"
        raise UserError(Problem(message, found=found, allowed=str(shape)))
    if not 0 < block < tower.layers:
        message = "vectors of the classes cannot enter there"
        allowed = f"block 1 to {tower.layers - 1}" if tower.layers > 1 else "a tower of two blocks or more"
        raise UserError(Problem(message, found=f"block {block}", allowed=allowed))
