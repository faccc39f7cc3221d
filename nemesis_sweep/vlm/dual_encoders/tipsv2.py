"""TIPSv2: the mean of all states that are no padding; nothing is projected.

The tower multiplies the vectors of tokens by the root of their length, those of the context too.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from nemesis_sweep.vlm.cosine_factor import of_temperature
from nemesis_sweep.vlm.dual_encoders.parts import Parts, PooledImage, TextModel


class MeanState(TextModel):
    """A text model that takes vectors, and whose states are averaged."""

    def __init__(self, encoder: Any, config: Any) -> None:
        super().__init__(config, int(config.hidden_size))
        self.encoder, self.epsilon = encoder, float(config.pooling_epsilon)

    @property
    def embedding(self) -> nn.Module:
        found: nn.Module = self.encoder.get_input_embeddings()
        return found

    def states(self, embedded: Tensor, ids: Tensor, seen: Tensor | None) -> Tensor:
        found: Tensor = self.encoder(inputs_embeds=embedded, attention_mask=seen).last_hidden_state
        return found

    def feature(self, states: Tensor, seen: Tensor | None) -> Tensor:
        assert seen is not None
        return (states * seen[..., None]).sum(dim=1) / (seen.sum(dim=1, keepdim=True) + self.epsilon)


def parts_of(model: Any) -> Parts:
    """Of transformers' `Tipsv2Model`; its temperature is its configuration's where the weights lack it."""
    config = model.config
    return Parts(
        MeanState(model.text_model, config.text_config),
        PooledImage(model.vision_model, config.vision_config),
        logit_scale=of_temperature(float(model.temperature.detach())),
    )
