"""Text features of prompts in which one learnt vector is rescaled: PAN's look before each training step."""

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
    scales: Tensor,
    *,
    deep: Tensor | None = None,
    states: KVCache | None = None,
    first: int | None = None,
) -> Tensor:
    """L2-normalised features (R, N, C, E) of prompts with one context vector rescaled, without gradients.

    In variant n of replicate r, vector j = positions[r, n] is multiplied by scales[r, n]: the RESCALE of the
    Nemesis paper (arXiv 2408.13979).

    context: (R, M, D) or (R, C, M, D); a class-specific vector is rescaled in every class.
    positions: (R, N) int, the j; scales: (R, N).
    deep: (R, J - 1, M, D), the blocks' own vectors; then positions count on through them, block after block:
    l * M + j is the vector j of block l.
    states: what `encode_text_with_states` returned for this context: what stands in front of the first
    rescaled vector is then not computed again.
    first: the least of the M places at which one of them stands, or a lesser one, for who knows it: a GPU is
    then not waited for.

    Raises UserError for positions outside 0..M-1, or 0..J*M-1, and shapes that do not fit.
    """
    blocks = 1 if deep is None else 1 + deep.shape[1]
    _check(len(context), layout.n_ctx * blocks, positions, scales, first)
    if deep is not None:
        contexts, deeps = _rescale_deep(context, deep, positions, scales)
    else:
        contexts, deeps = rescale(context, positions, scales), None
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
    scales: Tensor,
    *,
    states: Entering | None = None,
    first: int | None = None,
) -> Tensor:
    """L2-normalised features (R, N, C, E) of texts under prefixes with one key and its value rescaled,
    without gradients.

    prefix: (R, J, 2, M, D). positions: (R, N) int, l * M + j is the key and value j of block l; scales:
    (R, N).
    states: what `encode_prefixed` kept of this prefix: blocks before the first rescaled one are then not
    computed again. first: that block, or a lesser one, for who knows it: a GPU is then not waited for.

    Raises UserError for positions outside 0..J*M-1, and shapes that do not fit.
    """
    blocks, length = prefix.shape[1], prefix.shape[3]
    _check(len(prefix), blocks * length, positions, scales, first if first is None else first * length)
    pairs = prefix.transpose(2, 3).flatten(1, 2).flatten(2)  # (R, J * M, 2D)
    scaled = rescale(pairs, positions, scales).unflatten(1, (blocks, length)).unflatten(3, (2, -1))
    prefixes = scaled.transpose(2, 3)
    if states is None:
        features, _ = encode_prefixed(tower, layout, prefixes)
    else:
        assert isinstance(tower, OpenClipTower)
        if first is None:
            first = int(positions.min()) // length if positions.numel() else 0
        raw = prefix_variants(tower, states, prefixes.to(tower.dtype), first)
        features = F.normalize(raw.to(prefix.dtype), dim=-1)
    return features.unflatten(0, tuple(positions.shape))


def _rescale_deep(context: Tensor, deep: Tensor, positions: Tensor, scales: Tensor) -> tuple[Tensor, Tensor]:
    """The contexts (R * N, M, D) and the blocks' vectors (R * N, J - 1, M, D), with one vector rescaled."""
    together = torch.cat([context[:, None], deep], dim=1)  # (R, J, M, D)
    scaled = rescale(together.flatten(1, 2), positions, scales).unflatten(1, together.shape[1:3])
    return scaled[:, 0], scaled[:, 1:]


def rescale(context: Tensor, positions: Tensor, scales: Tensor) -> Tensor:
    """The contexts (R * N, ..., M, D), each with one vector rescaled."""
    n_ctx = context.shape[-2]
    factors = torch.ones(*positions.shape, n_ctx, dtype=context.dtype, device=context.device)
    factors.scatter_(2, positions.long()[:, :, None], scales.to(context.dtype)[:, :, None])
    if context.ndim == 4:
        factors = factors[:, :, None]
    return (context[:, None] * factors[..., None]).flatten(0, 1)


def _check(replicates: int, vectors: int, positions: Tensor, scales: Tensor, first: int | None) -> None:
    """Raise UserError unless positions and scales are (R, N), and positions are from `first` to `vectors`."""
    shape = (replicates, positions.shape[-1])
    if positions.ndim != 2 or tuple(positions.shape) != shape or tuple(scales.shape) != shape:
        found = f"positions {tuple(positions.shape)}, scales {tuple(scales.shape)}"
        allowed = f"(R, N) with R = {replicates}"
        raise UserError(Problem("positions and scales do not fit the context", found=found, allowed=allowed))
    if first is not None and positions.device.type != "cpu":
        return
    if positions.numel() and not (first or 0) <= int(positions.min()) <= int(positions.max()) < vectors:
        found = f"{int(positions.min())}..{int(positions.max())}"
        allowed = f"{first or 0}..{vectors - 1}"
        raise UserError(Problem("no such context vector", found=found, allowed=allowed))
