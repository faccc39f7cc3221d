"""A frozen Hugging Face text encoder (roberta, xlm-roberta, bert, mt5, m2m_100) as open_clip wraps it.

Context vectors go in among the word embeddings (`inputs_embeds`); positions, attention, pooling and
projection are the model's own. Attention looks both ways, so prompts share nothing. Padding is masked
everywhere, so texts are cut at the longest of them, which changes nothing.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from nemesis_sweep.vlm.configuration import DEFAULT_LENGTH
from nemesis_sweep.vlm.tower import TextTower


@dataclass(frozen=True, eq=False)
class HuggingFaceTower(TextTower):
    """The text side of a model whose text encoder comes from Hugging Face's transformers.

    encoder: open_clip's HFTextEncoder: `transformer`, `pooler` and `proj`.
    """

    encoder: Any
    context_length: int
    heads: int
    pool: str
    masked_id: int
    reason: str = "attention looks both ways (Hugging Face encoder)"

    @property
    def token_embedding(self) -> nn.Module:  # type: ignore[override]
        embedding: nn.Module = self.encoder.transformer.get_input_embeddings()
        return embedding

    @property
    def width(self) -> int:
        return int(self._weight.shape[1])

    @property
    def embed_dim(self) -> int:
        return int(self.encoder.output_dim)

    @property
    def layers(self) -> int:
        return int(self.encoder.config.num_hidden_layers)

    @property
    def causal(self) -> bool:
        return False

    @property
    def structure(self) -> str:
        return f"{self.encoder}"

    @property
    def normed(self) -> bool:
        """Whether a LayerNorm follows the sum of word and position vectors, as in BERT."""
        return hasattr(getattr(self.encoder.transformer, "embeddings", None), "LayerNorm")

    def parts(self) -> dict[str, nn.Module | Tensor]:
        return {"encoder": self.encoder}

    def to(self, target: torch.dtype | torch.device | str) -> HuggingFaceTower:
        if self.is_already(target):
            return self
        return replace(self, encoder=copy.deepcopy(self.encoder).to(target))

    def states(self, embedded: Tensor, ids: Tensor) -> Tensor:
        found: Tensor = self._behind(embedded, (ids != self.masked_id).long()).last_hidden_state
        return found

    def _behind(self, embedded: Tensor, seen: Tensor) -> Any:
        return self.encoder.transformer(inputs_embeds=embedded, attention_mask=seen)

    def encode(self, embedded: Tensor, ids: Tensor) -> Tensor:
        seen = (ids != self.masked_id).long()
        states = self._behind(embedded, seen)
        projected: Tensor = self.encoder.proj(self.encoder.pooler(states, seen))
        return projected


def is_hugging_face(text: Any) -> bool:
    """Whether a model's text side is open_clip's wrapper of a Hugging Face encoder."""
    wanted = ("transformer", "pooler", "proj", "config")
    return all(hasattr(text, name) for name in wanted) and hasattr(text.transformer, "get_input_embeddings")


def hugging_face_tower(encoder: Any, context_length: int | None = None) -> HuggingFaceTower:
    """Take open_clip's HFTextEncoder as a tower; see `text_tower`."""
    encoder.requires_grad_(False).eval()
    config = encoder.config
    return HuggingFaceTower(
        encoder=encoder,
        context_length=context_length or DEFAULT_LENGTH,
        heads=int(config.num_attention_heads),
        pool={"MeanPooler": "mean", "MaxPooler": "max"}.get(type(encoder.pooler).__name__, "first"),
        masked_id=int(config.pad_token_id),
    )
