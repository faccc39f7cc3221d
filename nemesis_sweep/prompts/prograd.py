"""ProGrad: a gradient that does not go against what the hand-written prompt knows (Zhu et al., 2023)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

TINY = 1e-30
"""Least square of a guiding gradient, so that none at all changes nothing."""


def divergence(logits: Tensor, zero_shot: Tensor) -> Tensor:
    """``-mean_b sum_c softmax(z_zero)_c log softmax(z)_c``, ``(R, B, C), (R, B, C) -> (R,)``: the KL
    divergence from zero-shot classification (equation 4) but for a constant, at temperature 1."""
    return -(zero_shot.softmax(dim=-1) * F.log_softmax(logits, dim=-1)).sum(dim=-1).mean(dim=-1)


@torch.no_grad()
def projected(gradients: Sequence[Tensor], guides: Sequence[Tensor], strength: float) -> list[Tensor]:
    """Gradients ``(R, ...)`` without ``strength`` times what in them goes against the guides (equation 6).

    ``g - strength * (g . h) h / |h|^2`` in the replicates where ``g . h < 0``; the products run over all
    tensors of a replicate.
    """
    along = _dot(gradients, guides).clamp(max=0) / _dot(guides, guides).clamp(min=TINY)
    return [
        gradient - strength * along.view(-1, *[1] * (guide.ndim - 1)) * guide
        for gradient, guide in zip(gradients, guides, strict=True)
    ]


def _dot(some: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
    products = [(a * b).flatten(1).sum(dim=1) for a, b in zip(some, others, strict=True)]
    return torch.stack(products).sum(dim=0)
