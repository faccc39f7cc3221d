"""Text features the plain way: every token of every class through the model's own modules.

Slow and obviously right: the reference that the shared path is tested against, and the path of towers that
cannot share. `cut=True` leaves out what stands after the longest EOT, where the tower cannot see it.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nemesis_sweep.vlm.devices import to_device
from nemesis_sweep.vlm.layout import Layout
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower, Put
from nemesis_sweep.vlm.tower import TextTower


def plain_features(
    tower: TextTower,
    layout: Layout,
    context: Tensor,
    *,
    cut: bool = False,
    deep: Tensor | None = None,
    prefix: Tensor | None = None,
    own: tuple[int, Tensor] | None = None,
) -> Tensor:
    """Text features (R, C, E), not normalised, of context (R, C, M, D) in the tower's dtype.

    deep: (R, J - 1, M, D), vectors that take the place of the context's states before blocks 1 to J - 1.
    own: a block, and the vectors (R, C, M, D) of each class that take the same place before it.
    prefix: (R, J, 2, P, D), keys and values that the attention of each of the first J blocks sees besides.
    """
    length = int(layout.lengths.max()) if cut else layout.tokens.shape[1]
    replicates, classes = context.shape[:2]
    ids = _placed(layout, context.device).ids[:, :length].repeat(replicates, 1)
    embedded = splice(tower, layout, context, length).flatten(0, 1)  # (R * C, length, D)
    between = {} if deep is None else dict(enumerate(deep[:, :, None].unbind(1), start=1))
    between |= {} if own is None else {own[0]: own[1]}
    if not between and prefix is None:
        features = tower.encode(embedded, ids)
    else:
        assert isinstance(tower, OpenClipTower)
        put = _put(layout, between, length) if between else None
        features = tower.encode(embedded, ids, put, prefix)
    return features.unflatten(0, (replicates, classes))


def _put(layout: Layout, between: Mapping[int, Tensor], length: int) -> Put:
    """What puts a block's own vectors where the context stands, in states (R * C, length or more, D).

    between: of each block that has some, (R, C, M, D), or (R, 1, M, D) where all classes share them.
    """
    slots = _placed(layout, next(iter(between.values())).device).slots[:, :length]

    def put(number: int, states: Tensor) -> Tensor:
        if number not in between:
            return states
        vectors = between[number].expand(-1, len(slots), -1, -1)
        own = states[:, :length].unflatten(0, (len(vectors), -1))
        placed = _where_slots(slots, vectors, own).flatten(0, 1)
        return torch.cat([placed, states[:, length:]], dim=1)

    return put


@dataclass(frozen=True, eq=False)
class _Placed:
    """What a tower reads of a layout, ``(C, L)`` each, where it computes."""

    ids: Tensor
    tokens: Tensor
    slots: Tensor


_known: weakref.WeakKeyDictionary[Layout, dict[str, _Placed]] = weakref.WeakKeyDictionary()


def _placed(layout: Layout, device: torch.device) -> _Placed:
    by_device = _known.setdefault(layout, {})
    if str(device) not in by_device:
        # What is kept must serve training too, even if the first use is under inference_mode.
        with torch.inference_mode(False):
            parts = (layout.ids(), layout.tokens, layout.slots)
            by_device[str(device)] = _Placed(*(to_device(part, device) for part in parts))
    return by_device[str(device)]


def splice(tower: TextTower, layout: Layout, context: Tensor, length: int) -> Tensor:
    """Token embeddings (R, C, length, D) with the context vectors at their places, without positions."""
    placed = _placed(layout, context.device)
    tokens, slots = placed.tokens[:, :length], placed.slots[:, :length]
    words = tower.token_embedding(tokens).to(context.dtype)  # (C, length, D)
    if layout.n_ctx == 0:
        return words.expand(context.shape[0], *words.shape)
    return _where_slots(slots, context, words)


def _where_slots(slots: Tensor, vectors: Tensor, rows: Tensor) -> Tensor:
    """Vectors (R, C, M, D) at their slots (C, length), elsewhere rows (C, length, D) or (R, C, length, D)."""
    numbers = slots.clamp(min=0)[None, :, :, None].expand(*vectors.shape[:2], -1, vectors.shape[-1])
    return torch.where((slots >= 0)[..., None], vectors.gather(2, numbers), rows)
