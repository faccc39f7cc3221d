"""Vectors in the place of what an embedding layer gives, for models that take ids alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch import Tensor, nn

# One of its own for every thread: two may run the same tower at once.
_handed: ContextVar[Tensor | None] = ContextVar("handed", default=None)


def takes_vectors(embedding: nn.Module) -> None:
    """Let an embedding layer give the vectors of :func:`handed` while there are any."""
    embedding.register_forward_hook(_in_their_place)


@contextmanager
def handed(vectors: Tensor) -> Iterator[None]:
    """Within it, layers with :func:`takes_vectors` give these vectors (N, L, D), whatever ids they get."""
    token = _handed.set(vectors)
    try:
        yield
    finally:
        _handed.reset(token)


def _in_their_place(module: nn.Module, args: Any, output: Tensor) -> Tensor:
    vectors = _handed.get()
    # A tensor of its own: some models add positions to it in place.
    return output if vectors is None else vectors.clone()
