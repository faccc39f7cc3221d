"""Text features the plain way: every token of every class through the model's own modules.

Slow and obviously right: the reference that the shared path is tested against, and the path of towers that
cannot share. `cut=True` leaves out what stands after the longest EOT, where the tower cannot see it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.tower import TextTower


def plain_features(tower: TextTower, layout: Layout, context: Tensor, *, cut: bool = False) -> Tensor:
    """Text features (R, C, E), not normalised, of context (R, C, M, D) in the tower's dtype."""
    length = int(layout.lengths.max()) if cut else layout.tokens.shape[1]
    replicates, classes = context.shape[:2]
    ids = layout.ids()[:, :length].to(context.device)
    embedded = splice(tower, layout, context, length).flatten(0, 1)  # (R * C, length, D)
    return tower.encode(embedded, ids.repeat(replicates, 1)).unflatten(0, (replicates, classes))


def splice(tower: TextTower, layout: Layout, context: Tensor, length: int) -> Tensor:
    """Token embeddings (R, C, length, D) with the context vectors at their places, without positions."""
    tokens = layout.tokens[:, :length].to(context.device)
    slots = layout.slots[:, :length].to(context.device)
    words = tower.token_embedding(tokens).to(context.dtype)  # (C, length, D)
    if layout.n_ctx == 0:
        return words.expand(context.shape[0], *words.shape)
    rows = slots.clamp(min=0)[None, :, :, None].expand(*context.shape[:2], -1, context.shape[-1])
    vectors = context.gather(2, rows)  # (R, C, length, D)
    return torch.where((slots >= 0)[..., None], vectors, words)
