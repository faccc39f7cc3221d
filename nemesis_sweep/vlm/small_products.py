"""Batches of matrix products of very few numbers each, which `torch.bmm` is slow at on a CPU.

It hands a batch to a library of matrix products only where each has at least 400 multiplications; smaller
ones it loops over number by number. Attention inside a class name of three tokens, with heads of width 32,
has 288. Here such a batch is a few passes over whole tensors: a column of the left times a row of the right.

Shapes below: B products of (a, b) and (b, d).
"""

from __future__ import annotations

import torch
from torch import Tensor

LEAST = 400
"""Multiplications of one product from which on `torch.bmm` does not loop over them."""


def product(left: Tensor, right: Tensor, out: Tensor) -> None:
    """out (B, a, d) = left (B, a, b) @ right (B, b, d); without gradients."""
    if not _is_small(left, right):
        torch.bmm(left, right, out=out)
        return
    torch.mul(left[:, :, :1], right[:, :1], out=out)
    _add_columns(out, left, right, 1)


def add_product(out: Tensor, left: Tensor, right: Tensor) -> None:
    """out (B, a, d) += left (B, a, b) @ right (B, b, d); without gradients."""
    if _is_small(left, right):
        _add_columns(out, left, right, 0)
    else:
        out.baddbmm_(left, right)


def _add_columns(out: Tensor, left: Tensor, right: Tensor, first: int) -> None:
    for number in range(first, right.shape[1]):
        out.addcmul_(left[:, :, number, None], right[:, number, None])


def _is_small(left: Tensor, right: Tensor) -> bool:
    """Half precision is left to `bmm`: a sum that is kept in it would be rounded after every column."""
    multiplications = left.shape[1] * left.shape[2] * right.shape[2]
    exact = left.dtype in (torch.float32, torch.float64)
    return multiplications < LEAST and left.shape[2] > 0 and left.device.type == "cpu" and exact
