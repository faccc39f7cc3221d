"""What a text tower is to the encoder of context vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor, nn


class TextTower(ABC):
    """The frozen text side of a model: token embeddings in, one feature per text out.

    token_embedding: ids to vectors (..., D); context vectors stand among its outputs.
    context_length: tokens of a text. heads, layers: of the transformer. pool: which state is the feature.
    reason: why prompts cannot share the states of their common beginning; '' if they can.
    masked_id: the token that no state of another position depends on (padding), or None: texts that end in it
    may be cut there.
    """

    token_embedding: nn.Module
    context_length: int
    heads: int
    pool: str
    reason: str
    masked_id: int | None = None

    @property
    @abstractmethod
    def layers(self) -> int:
        """Number of blocks."""

    @property
    @abstractmethod
    def causal(self) -> bool:
        """Whether a position sees only those before it."""

    @property
    @abstractmethod
    def width(self) -> int:
        """D, the length of a context vector."""

    @property
    @abstractmethod
    def embed_dim(self) -> int:
        """E, the length of a feature."""

    @property
    @abstractmethod
    def structure(self) -> str:
        """What is computed, in words: with the weights, the identity of the tower."""

    @abstractmethod
    def parts(self) -> dict[str, nn.Module | Tensor]:
        """The modules and tensors of the tower, by name."""

    @abstractmethod
    def to(self, target: torch.dtype | torch.device | str) -> Self:
        """A copy in another dtype or on another device; itself if nothing would change."""

    @abstractmethod
    def states(self, embedded: Tensor, ids: Tensor) -> Tensor:
        """States (N, L or more, D') behind the last block, of texts as of :meth:`encode`."""

    @abstractmethod
    def encode(self, embedded: Tensor, ids: Tensor) -> Tensor:
        """Features (N, E), not normalised, of texts (N, L, D) without positions.

        ids: (N, L), what pooling and padding masks look at; a context vector is a token that is no padding.
        """

    @property
    def can_share(self) -> bool:
        return not self.reason

    @property
    def dtype(self) -> torch.dtype:
        return self._weight.dtype

    @property
    def device(self) -> torch.device:
        return self._weight.device

    @property
    def _weight(self) -> Tensor:
        return next(self.token_embedding.parameters())

    def state(self) -> dict[str, Tensor]:
        """All weights of the tower by name."""
        tensors: dict[str, Tensor] = {}
        for name, part in self.parts().items():
            if isinstance(part, nn.Module):
                tensors |= {f"{name}.{key}": tensor for key, tensor in part.state_dict().items()}
            else:
                tensors[name] = part
        return tensors

    def is_already(self, target: torch.dtype | torch.device | str) -> bool:
        """Whether the tower has that dtype, or is on that device ("cuda" names any of them)."""
        if isinstance(target, torch.dtype):
            return target == self.dtype
        target = torch.device(target)
        return self.device.type == target.type and target.index in (None, self.device.index)
