"""The vocabulary of a backbone: which tokens have an embedding of their own, and how they are written."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nemesis_sweep.vlm.backbone import Backbone


def embedded_tokens(backbone: Backbone) -> tuple[Tensor, Tensor]:
    """Ids ``(V,)``, rising, and embeddings ``(V, D)`` of the tokens that the model has, both on the CPU.

    Those that a compact vocabulary lacks are left out, and rows that only fill the matrix up to a round size.
    """
    weight = next(backbone.text.token_embedding.parameters()).detach().cpu()
    known = backbone.known_tokens
    ids = torch.arange(len(weight)) if known is None else torch.tensor(sorted(known))
    ids = ids[ids < min(len(weight), _size(backbone.tokenizer) or len(weight))]
    return ids, weight[ids]


def token_text(tokenizer: Any, token: int) -> str:
    """A token as its vocabulary spells it, such as `cat</w>`; by its id where the tokenizer does not say."""
    spelled = getattr(tokenizer, "decoder", None)
    if isinstance(spelled, dict):
        return str(spelled.get(token, f"#{token}"))
    inner: Any = getattr(tokenizer, "tokenizer", None)
    found = inner.convert_ids_to_tokens(token) if hasattr(inner, "convert_ids_to_tokens") else None
    return f"#{token}" if found is None else str(found)


def _size(tokenizer: Any) -> int | None:
    """One more than the highest id; None where the tokenizer does not say."""
    spelled = getattr(tokenizer, "decoder", None)
    if isinstance(spelled, dict):
        return max(spelled) + 1
    inner: Any = getattr(tokenizer, "tokenizer", None)
    vocabulary = inner.get_vocab() if hasattr(inner, "get_vocab") else {}
    return max(vocabulary.values()) + 1 if vocabulary else None
