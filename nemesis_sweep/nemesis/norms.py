"""PUN and PAN: penalties on the norms of context vectors (Nemesis, section 3)."""

import torch
from torch import Tensor

from nemesis_sweep.spec.choices import NORMS


def vector_norms(vectors: Tensor, norm: str = "2", reduction: str = "mean") -> Tensor:
    """Norm of the vector at every position, ``(R, ..., P, D) -> (R, P)``.

    Where there are axes between, such as ``(R, C, M, D)`` when every class has its own context, the norms of
    one position are averaged over them (``mean``), or summed as the published code does (``reference``),
    which makes the penalty grow with the number of classes.
    """
    norms = torch.linalg.vector_norm(vectors, ord=NORMS[norm], dim=-1)
    if norms.dim() == 2:
        return norms
    norms = norms.flatten(1, -2)
    return norms.mean(dim=1) if reduction == "mean" else norms.sum(dim=1)


def weighted_norm(norms: Tensor, alpha: Tensor) -> Tensor:
    """``N(alpha) = sum_i alpha_i ||v_i|| / max(1, #{i: alpha_i != 0})``, ``(R, M), (R, M) -> (R,)``."""
    chosen = (alpha != 0).sum(dim=-1).clamp(min=1)
    return (alpha * norms).sum(dim=-1) / chosen


def pun(norms: Tensor, omega: float | Tensor) -> Tensor:
    """Position-uniform normalisation: omega times the mean norm of all M vectors, ``(R, M) -> (R,)``."""
    return weighted_norm(norms, torch.ones_like(norms) * omega)


def pan(norms: Tensor, omega: float | Tensor, selected: Tensor) -> Tensor:
    """Position-aware normalisation: omega times the mean norm of the selected vectors.

    ``selected`` is ``(R, M)`` bool. A replicate that selected nothing pays nothing.
    """
    return weighted_norm(norms, selected.to(norms.dtype) * omega)
