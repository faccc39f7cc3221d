"""What a text tower is to the encoder of context vectors, and how to take one out of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

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


def text_tower(model: nn.Module, context_length: int | None = None) -> TextTower:
    """Look at an open_clip `CLIP`, `CustomTextCLIP` or `CoCa` and take the parts of its text side, frozen.

    The parts are shared with the model, not copied; the model's text side is put into eval mode and its
    parameters stop requiring gradients. context_length: of the tokenizer, for Hugging Face encoders, which
    take texts of any length. Raises UserError for text towers that take no embeddings.
    """
    # Both kinds of towers are made from this module's class.
    from nemesis_sweep.vlm.hugging_face import hugging_face_tower, is_hugging_face
    from nemesis_sweep.vlm.open_clip_tower import open_clip_tower

    text: Any = getattr(model, "text", None)
    if is_hugging_face(text):
        return hugging_face_tower(text, context_length)
    return open_clip_tower(model)
