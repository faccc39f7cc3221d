"""Optimal transport between two small sets: Sinkhorn's rounds in log space (Cuturi, 2013)."""

from __future__ import annotations

from math import log

import torch
from torch import Tensor

EPSILON = 0.1
"""Weight of the entropy, as PLOT has it."""

MOST, THRESHOLD = 100, 0.01
"""PLOT's own stop: at most so many rounds, and none after the mean change of r has fallen below this."""


@torch.no_grad()
def transport(similarity: Tensor, rounds: int | None) -> Tensor:
    """Plans of similarities ``(R, ..., N, Q)`` with equal weights on the N and on the Q, fp32 at least.

    ``K = exp(-(1 - s) / 0.1)``; from ``r = c = 1``, in turn ``r = (1/Q) / (K c)`` and ``c = (1/N) / (K' r)``;
    the plan is ``diag(r) K diag(c)``. rounds: their number; None for PLOT's own rule, which stops all
    problems of a replicate together, so that the plan of an image depends on the others of its batch.
    """
    kernel = (similarity.to(torch.promote_types(similarity.dtype, torch.float32)) - 1) / EPSILON
    prompts, parts = kernel.shape[-2:]
    rows = kernel.new_zeros(*kernel.shape[:-2], 1, parts)  # log r, of the Q
    columns = kernel.new_zeros(*kernel.shape[:-2], prompts, 1)  # log c, of the N
    going = torch.ones(len(kernel), dtype=torch.bool, device=kernel.device)
    for _ in range(MOST if rounds is None else rounds):
        new_rows = -log(parts) - (kernel + columns).logsumexp(dim=-2, keepdim=True)
        new_columns = -log(prompts) - (kernel + new_rows).logsumexp(dim=-1, keepdim=True)
        if rounds is not None:
            rows, columns = new_rows, new_columns
            continue
        shape = (-1, *[1] * (kernel.ndim - 1))
        change = (new_rows.exp() - rows.exp()).abs().flatten(1).mean(dim=1)
        rows = torch.where(going.view(shape), new_rows, rows)
        columns = torch.where(going.view(shape), new_columns, columns)
        going = going & (change >= THRESHOLD)
        if not going.any():
            break
    return (rows + kernel + columns).exp()
