"""SigLIP, and SigLIP 2 in squares: the last of all positions, padding or not, through a linear head.

Padding is read like words, so texts are always as long as the tower is.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from nemesis_sweep.vlm.dual_encoders.handing import handed, takes_vectors
from nemesis_sweep.vlm.dual_encoders.parts import Parts, PooledImage, TextModel, exponentiated


class SiglipText(TextModel):
    """A text model that takes ids alone, and whose last state becomes the feature."""

    def __init__(self, encoder: Any, config: Any) -> None:
        super().__init__(config, int(config.projection_size))
        self.encoder = encoder
        takes_vectors(self.embedding)

    @property
    def embedding(self) -> nn.Module:
        found: nn.Module = self.encoder.get_input_embeddings()
        return found

    def states(self, embedded: Tensor, ids: Tensor, seen: Tensor | None) -> Tensor:
        with handed(embedded):
            found: Tensor = self.encoder(input_ids=ids).last_hidden_state
        return found

    def feature(self, states: Tensor, seen: Tensor | None) -> Tensor:
        made: Tensor = self.encoder.head(states[:, -1])
        return made


def parts_of(model: Any) -> Parts:
    """Of transformers' `SiglipModel`, which also runs SigLIP 2 with images of one size."""
    config = model.config
    return Parts(
        SiglipText(model.text_model, config.text_config),
        PooledImage(model.vision_model, config.vision_config),
        logit_scale=exponentiated(model.logit_scale),
        logit_bias=float(model.logit_bias.detach()),
    )
