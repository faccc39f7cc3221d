"""The text tower of a dual encoder of transformers."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from nemesis_sweep.vlm.causality import refuse_two_answers
from nemesis_sweep.vlm.dual_encoders.families import Family
from nemesis_sweep.vlm.dual_encoders.parts import TextModel
from nemesis_sweep.vlm.tower import TextTower


@dataclass(frozen=True, eq=False)
class DualEncoderTower(TextTower):
    """A text model of one of `families.FAMILIES`, frozen."""

    model: TextModel
    context_length: int
    heads: int
    pool: str
    reason: str
    masked_id: int | None

    @property
    def token_embedding(self) -> nn.Module:  # type: ignore[override]
        return self.model.embedding

    @property
    def width(self) -> int:
        return int(self._weight.shape[1])

    @property
    def embed_dim(self) -> int:
        return self.model.dim

    @property
    def layers(self) -> int:
        return self.model.layers

    @property
    def causal(self) -> bool:
        return False

    @property
    def structure(self) -> str:
        return f"{type(self.model).__name__}({self.model.facts}, pools {self.pool})"

    def parts(self) -> dict[str, nn.Module | Tensor]:
        return {"model": self.model}

    def to(self, target: torch.dtype | torch.device | str) -> DualEncoderTower:
        if self.is_already(target):
            return self
        return replace(self, model=copy.deepcopy(self.model).to(target))

    def states(self, embedded: Tensor, ids: Tensor) -> Tensor:
        return self.model.states(embedded, ids, self._seen(ids))

    def encode(self, embedded: Tensor, ids: Tensor) -> Tensor:
        seen = self._seen(ids)
        return self.model.feature(self.model.states(embedded, ids, seen), seen)

    def _seen(self, ids: Tensor) -> Tensor | None:
        return None if self.masked_id is None else (ids != self.masked_id).long()


def dual_encoder_tower(model: TextModel, family: Family, tokenizer: Any) -> DualEncoderTower:
    """The tower of a text model and its tokenizer.

    Raises UserError for a tower that gives a text two features.
    """
    padding = int(tokenizer.tokenizer.pad_token_id)
    tower = bare_tower(model, family, padding, tokenizer.context_length)
    refuse_two_answers(tower, padding, family.title)
    return tower


def bare_tower(model: TextModel, family: Family, padding: int, context_length: int) -> DualEncoderTower:
    """The same, not looked at yet. padding: the id of the token that fills texts up."""
    return DualEncoderTower(
        model=model,
        context_length=context_length,
        heads=model.heads,
        pool=family.pooling,
        reason=f"attention looks both ways ({family.title})",
        masked_id=None if family.path == "plain" else padding,
    )
