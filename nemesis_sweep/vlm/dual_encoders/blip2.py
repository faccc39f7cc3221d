"""BLIP-2's contrastive side: the Q-Former reads a text, and with its 32 queries an image.

A text has one feature, an image one for every query; the cosine of the nearest query is the score. The head
that compares a text with one image (ITM) and the language model are not used.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from nemesis_sweep.vlm.dual_encoders.parts import ImageModel, Parts, TextModel


class QFormerText(TextModel):
    """The Q-Former without queries, whose first state is projected. Positions are added outside of it."""

    def __init__(self, model: Any, config: Any, dim: int) -> None:
        super().__init__(config, dim)
        self.embeddings, self.qformer, self.projection = (
            model.embeddings,
            model.qformer,
            model.text_projection,
        )

    @property
    def embedding(self) -> nn.Module:
        found: nn.Module = self.embeddings.word_embeddings
        return found

    def states(self, embedded: Tensor, ids: Tensor, seen: Tensor | None) -> Tensor:
        placed = embedded + self.embeddings.position_embeddings.weight[: embedded.shape[1]]
        found: Tensor = self.qformer(placed, query_length=0, attention_mask=seen).last_hidden_state
        return found

    def feature(self, states: Tensor, seen: Tensor | None) -> Tensor:
        projected: Tensor = self.projection(states[:, 0])
        return projected


class QFormerImage(ImageModel):
    """The Q-Former's queries after they have read an image, each projected."""

    def __init__(self, model: Any, config: Any) -> None:
        super().__init__(config.vision_config)
        self.encoder, self.qformer, self.projection = (
            model.vision_model,
            model.qformer,
            model.vision_projection,
        )
        self.query_tokens = model.query_tokens
        self.queries = int(config.num_query_tokens)

    def forward(self, pixels: Tensor) -> Tensor:
        """Features (B, Q, E) of pixels (B, 3, H, W)."""
        seen = self.encoder(pixel_values=pixels).last_hidden_state
        asked = self.query_tokens.expand(len(pixels), -1, -1)
        projected: Tensor = self.projection(self.qformer(asked, encoder_hidden_states=seen).last_hidden_state)
        return projected


def parts_of(model: Any) -> Parts:
    """Of transformers' `Blip2ForImageTextRetrieval`, which stores no scale."""
    config = model.config
    dim = int(config.image_text_hidden_size)
    return Parts(
        QFormerText(model, config.qformer_config, dim), QFormerImage(model, config), logit_scale=None
    )
