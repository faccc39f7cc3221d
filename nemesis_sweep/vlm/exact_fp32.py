"""fp32 that is fp32: on a GPU torch would let convolutions round their factors to ten bits (TF32)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def without_tf32() -> Iterator[None]:
    """Compute fp32 products in fp32 on a GPU, as a CPU does; afterwards as before.

    So features that a CPU and a GPU have encoded differ by rounding alone, and their key need not know which
    of them it was. bf16 and fp16 are not concerned.
    """
    flags = _flags()
    before = [getattr(owner, name) for owner, name, _ in flags]
    try:
        for owner, name, exact in flags:
            setattr(owner, name, exact)
        yield
    finally:
        for (owner, name, _), value in zip(flags, before, strict=True):
            setattr(owner, name, value)


def _flags() -> list[tuple[Any, str, Any]]:
    """What decides it, and the value that is exact."""
    cudnn: Any = torch.backends.cudnn
    matmul = torch.backends.cuda.matmul
    flags = [(cudnn, "allow_tf32", False), (matmul, "allow_tf32", False)]
    try:
        for owner, name, _ in flags:
            getattr(owner, name)
    except RuntimeError:
        # Somebody uses the names since torch 2.9, and torch refuses to mix the two.
        return [(cudnn.conv, "fp32_precision", "ieee"), (matmul, "fp32_precision", "ieee")]
    return flags
