"""Text features of learnt context vectors: one function, whatever the tower can do."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.plain import plain_features
from nemesis_sweep.vlm.prefixed import Entering, check_prefix, prefixed_features_with_states
from nemesis_sweep.vlm.shared import KVCache, shared_features, shared_features_with_states
from nemesis_sweep.vlm.tower import TextTower

PATHS = ("auto", "shared", "cut", "plain")


def encode_text(
    tower: TextTower,
    layout: Layout,
    context: Tensor,
    *,
    deep: Tensor | None = None,
    prefix: Tensor | None = None,
    path: str = "auto",
    normalised: bool = True,
) -> Tensor:
    """L2-normalised text features (R, C, E) of R contexts for the C classes of a layout.

    context: (R, M, D) shared by all classes, or (R, C, M, D), one per class. Any float dtype: it is cast to
    the tower's dtype on the way in, and features and gradients come back in its own.
    deep: (R, J - 1, M, D), vectors that take the place of the context's states before blocks 1 to J - 1.
    prefix: (R, J, 2, P, D), keys and values that the attention of each of the first J blocks sees besides.
    path: `auto` (the fastest that is exact for this tower), `shared` (the common beginning of the prompts
    once), `cut` (whole prompts up to the longest EOT) or `plain` (all L tokens).
    normalised: False for the features as the tower gives them, each of its own length.

    Raises UserError if the context does not fit the layout or the tower, or the tower not the path.
    """
    check_fit(tower, layout, context)
    check_deep(tower, layout, deep)
    check_prefix(tower, prefix, len(context))
    chosen = choose_path(tower, layout, path)
    vectors = context.to(tower.dtype)
    deep, prefix = (each if each is None else each.to(tower.dtype) for each in (deep, prefix))
    if chosen == "shared":
        assert isinstance(tower, OpenClipTower)
        features = shared_features(tower, layout, vectors, deep, prefix)
    else:
        vectors = vectors if vectors.ndim == 4 else vectors[:, None].expand(-1, layout.n_classes, -1, -1)
        features = plain_features(tower, layout, vectors, cut=chosen == "cut", deep=deep, prefix=prefix)
    features = features.to(context.dtype)
    return F.normalize(features, dim=-1) if normalised else features


def encode_text_with_states(
    tower: TextTower, layout: Layout, context: Tensor, *, deep: Tensor | None = None
) -> tuple[Tensor, KVCache | None]:
    """Features as of `encode_text`, and states for `encode_variants`; None if the tower cannot share them."""
    check_fit(tower, layout, context)
    if choose_path(tower, layout) != "shared":
        return encode_text(tower, layout, context, deep=deep), None
    assert isinstance(tower, OpenClipTower)
    check_deep(tower, layout, deep)
    deep = deep if deep is None else deep.to(tower.dtype)
    features, states = shared_features_with_states(tower, layout, context.to(tower.dtype), deep)
    return F.normalize(features.to(context.dtype), dim=-1), states


def encode_prefixed(
    tower: TextTower, layout: Layout, prefix: Tensor, *, keep: bool = False
) -> tuple[Tensor, Entering | None]:
    """Features (R, C, E) as of `encode_text`, of texts without context vectors under R prefixes.

    prefix: (R, J, 2, M, D). keep: gives the states that `encode_prefix_variants` reuses, if the tower can
    share them, else None.
    """
    nothing = prefix.new_empty(len(prefix), 0, tower.width)
    if not keep or choose_path(tower, layout) != "shared":
        return encode_text(tower, layout, nothing, prefix=prefix), None
    check_fit(tower, layout, nothing)
    check_prefix(tower, prefix, len(prefix))
    assert isinstance(tower, OpenClipTower)
    features, states = prefixed_features_with_states(tower, layout, prefix.to(tower.dtype))
    return F.normalize(features.to(prefix.dtype), dim=-1), states


def choose_path(tower: TextTower, layout: Layout, path: str = "auto") -> str:
    """The path that `encode_text` takes. Raises UserError if the tower cannot take the one asked for."""
    if path not in PATHS:
        raise UserError(Problem("unknown text path", found=repr(path), allowed=", ".join(PATHS)))
    reason = why_not_shared(tower, layout)
    if path == "auto":
        return "shared" if not reason else "cut" if _padding_is_masked(tower, layout) else "plain"
    if reason and path != "plain" and not (path == "cut" and _padding_is_masked(tower, layout)):
        raise UserError(f"this text tower cannot take the {path} path: {reason}")
    return path


def why_not_shared(tower: TextTower, layout: Layout) -> str:
    """Why prompts of this layout cannot share states in this tower; '' if they can."""
    if not isinstance(tower, OpenClipTower) or tower.reason:
        return tower.reason
    ids = layout.ids()
    pooled = ids.argmax(dim=1) if tower.pool == "argmax" else (ids == tower.eos_id).int().argmax(dim=1)
    if torch.equal(pooled + 1, layout.lengths):
        return ""
    return "the position it pools is not the end of the prompt that the tokenizer marks"


def _padding_is_masked(tower: TextTower, layout: Layout) -> bool:
    """Whether all that follows the prompts' ends is what the tower masks."""
    if tower.masked_id is None:
        return False
    beyond = torch.arange(layout.tokens.shape[1]) >= layout.lengths[:, None]
    return bool((layout.tokens[beyond] == tower.masked_id).all())


def check_fit(tower: TextTower, layout: Layout, context: Tensor) -> None:
    """Raise UserError, with the shapes, unless context, layout and tower fit together."""
    length = layout.tokens.shape[1]
    if length != tower.context_length:
        found = f"a layout of {length} tokens"
        allowed = f"{tower.context_length} tokens (lay out with this model's own tokenizer)"
        raise UserError(Problem("the layout does not fit the text tower", found=found, allowed=allowed))
    vectors = (layout.n_ctx, tower.width)
    shared, per_class = vectors, (layout.n_classes, *vectors)
    if context.ndim not in (3, 4) or tuple(context.shape[1:]) not in (shared, per_class):
        allowed = f"(R, {layout.n_ctx}, {tower.width}) shared, or (R, {layout.n_classes}, {layout.n_ctx}, "
        allowed += f"{tower.width}) class-specific"
        found = str(tuple(context.shape))
        raise UserError(Problem("the context does not fit layout and tower", found=found, allowed=allowed))


def check_deep(tower: TextTower, layout: Layout, deep: Tensor | None) -> None:
    """Raise UserError unless vectors for the blocks of a tower, (R, J - 1, M, D), fit it and the layout."""
    if deep is None:
        return
    check_takes_vectors(tower)
    wanted = (layout.n_ctx, tower.width)
    if deep.ndim != 4 or tuple(deep.shape[2:]) != wanted or deep.shape[1] >= tower.layers:
        allowed = f"(R, J - 1, {layout.n_ctx}, {tower.width}), J at most {tower.layers}"
        found = str(tuple(deep.shape))
        raise UserError(
            Problem("the blocks' vectors do not fit layout and tower", found=found, allowed=allowed)
        )


def check_takes_vectors(tower: TextTower) -> None:
    """Raise UserError for a tower that takes no vectors between its blocks."""
    if not isinstance(tower, OpenClipTower):
        raise UserError(Problem("this text tower takes no vectors between its blocks", found=tower.structure))
