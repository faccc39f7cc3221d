"""Text features of prompts in which one learnt vector is changed: PAN's look before each training step."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.prefixed import Entering, prefix_variants
from nemesis_sweep.vlm.shared import KVCache, variant_features
from nemesis_sweep.vlm.text import encode_prefixed, encode_text
from nemesis_sweep.vlm.tower import TextTower


@torch.no_grad()
def encode_variants(
    tower: TextTower,
    layout: Layout,
    context: Tensor,
    positions: Tensor,
    by: Tensor,
    *,
    deep: Tensor | None = None,
    states: KVCache | None = None,
    first: int | None = None,
) -> Tensor:
    """L2-normalised features (R, N, C, E) of prompts with one context vector changed, without gradients.

    In variant n of replicate r, vector j = positions[r, n] is multiplied by the factor by[r, n], or by[r, n]
    takes its place: RESCALE and REPLACE of the Nemesis paper (arXiv 2408.13979).

    context: (R, M, D) or (R, C, M, D); a class-specific vector is changed in every class.
    positions: (R, N) int, the j; by: factors (R, N), or vectors (R, N, D) or (R, N, C, D).
    deep: (R, J - 1, M, D), the blocks' own vectors; then positions count on through them, block after block:
    l * M + j is the vector j of block l.
    states: what `encode_text_with_states` returned for this context: what stands in front of the first
    changed vector is then not computed again.
    first: the least of the M places at which one of them stands, or a lesser one, for who knows it: a GPU is
    then not waited for.

    Raises UserError for positions outside 0..M-1, or 0..J*M-1, and shapes that do not fit.
    """
    blocks = 1 if deep is None else 1 + deep.shape[1]
    check_changes(len(context), layout.n_ctx * blocks, positions, by, first)
    if deep is not None:
        contexts, deeps = _changed_deep(context, deep, positions, by)
    else:
        contexts, deeps = changed(context, positions, by), None
    if states is None:
        features = encode_text(tower, layout, contexts, deep=deeps)
    else:
        assert isinstance(tower, OpenClipTower)
        if first is None:
            first = int((positions % layout.n_ctx).min()) if positions.numel() else 0
        deeps = deeps if deeps is None else deeps.to(tower.dtype)
        raw = variant_features(tower, states, contexts.to(tower.dtype), first, deeps)
        features = F.normalize(raw.to(context.dtype), dim=-1)
    return features.unflatten(0, tuple(positions.shape))


@torch.no_grad()
def encode_prefix_variants(
    tower: TextTower,
    layout: Layout,
    prefix: Tensor,
    positions: Tensor,
    by: Tensor,
    *,
    states: Entering | None = None,
    first: int | None = None,
) -> Tensor:
    """L2-normalised features (R, N, C, E) of texts under prefixes with one key and its value changed,
    without gradients.

    prefix: (R, J, 2, M, D). positions: (R, N) int, l * M + j is the key and value j of block l; by: factors
    (R, N), or keys and values (R, N, 2, D) that take the place of those.
    states: what `encode_prefixed` kept of this prefix: blocks before the first changed one are then not
    computed again. first: that block, or a lesser one, for who knows it: a GPU is then not waited for.

    Raises UserError for positions outside 0..J*M-1, and shapes that do not fit.
    """
    blocks, length = prefix.shape[1], prefix.shape[3]
    check_changes(len(prefix), blocks * length, positions, by, first if first is None else first * length)
    pairs = prefix.transpose(2, 3).flatten(1, 2).flatten(2)  # (R, J * M, 2D)
    by = by if by.ndim == 2 else by.flatten(2)
    other = changed(pairs, positions, by).unflatten(1, (blocks, length)).unflatten(3, (2, -1))
    prefixes = other.transpose(2, 3)
    if states is None:
        features, _ = encode_prefixed(tower, layout, prefixes)
    else:
        assert isinstance(tower, OpenClipTower)
        if first is None:
            first = int(positions.min()) // length if positions.numel() else 0
        raw = prefix_variants(tower, states, prefixes.to(tower.dtype), first)
        features = F.normalize(raw.to(prefix.dtype), dim=-1)
    return features.unflatten(0, tuple(positions.shape))


def _changed_deep(context: Tensor, deep: Tensor, positions: Tensor, by: Tensor) -> tuple[Tensor, Tensor]:
    """The contexts (R * N, M, D) and the blocks' vectors (R * N, J - 1, M, D), with one vector changed."""
    together = torch.cat([context[:, None], deep], dim=1)  # (R, J, M, D)
    other = changed(together.flatten(1, 2), positions, by).unflatten(1, together.shape[1:3])
    return other[:, 0], other[:, 1:]


def changed(context: Tensor, positions: Tensor, by: Tensor) -> Tensor:
    """The contexts (R * N, ..., M, D), each with one vector multiplied by a factor of (R, N), or with one of
    (R, N, ..., D) in its place."""
    n_ctx, between = context.shape[-2], [1] * (context.ndim - 3)
    places = positions.long()[:, :, None]
    if by.ndim > 2:
        chosen = torch.arange(n_ctx, device=places.device) == places
        chosen = chosen.view(*positions.shape, *between, n_ctx, 1)
        return torch.where(chosen, by.to(context.dtype)[..., None, :], context[:, None]).flatten(0, 1)
    factors = torch.ones(*positions.shape, n_ctx, dtype=context.dtype, device=context.device)
    factors.scatter_(2, places, by.to(context.dtype)[:, :, None])
    return (context[:, None] * factors.view(*positions.shape, *between, n_ctx, 1)).flatten(0, 1)


def check_changes(replicates: int, vectors: int, positions: Tensor, by: Tensor, first: int | None) -> None:
    """Raise UserError unless positions and factors are (R, N), or vectors (R, N, ...), and positions are from
    `first` to `vectors`."""
    shape = (replicates, positions.shape[-1])
    if positions.ndim != 2 or tuple(positions.shape) != shape or tuple(by.shape[:2]) != shape:
        found = f"positions {tuple(positions.shape)}, changed by {tuple(by.shape)}"
        allowed = f"(R, N) with R = {replicates}"
        raise UserError(Problem("positions and changes do not fit the context", found=found, allowed=allowed))
    if first is not None and positions.device.type != "cpu":
        return
    if positions.numel() and not (first or 0) <= int(positions.min()) <= int(positions.max()) < vectors:
        found = f"{int(positions.min())}..{int(positions.max())}"
        allowed = f"{first or 0}..{vectors - 1}"
        raise UserError(Problem("no such context vector", found=found, allowed=allowed))
