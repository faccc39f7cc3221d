"""What logits have right."""

from __future__ import annotations

from torch import Tensor


def right(logits: Tensor, labels: Tensor) -> Tensor:
    """Whether the largest of the logits ``(..., C)`` is that of the label ``(...)``, bool.

    Wrong where one of them is no number, as with a vector that was scaled beyond what its precision holds:
    such logits name the first class that has none.
    """
    largest, named = logits.max(dim=-1)
    found: Tensor = (named == labels) & ~largest.isnan()
    return found
