"""BLIP with its contrastive head: the first text state and the image's class token, each projected.

That head (ITC) reads no image in the text tower, so the features of the classes serve all images. The head
that compares a text with the patches of one image (ITM) is not used.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from nemesis_sweep.vlm.dual_encoders.parts import FirstState, ImageModel, Parts


class BlipImage(ImageModel):
    """The class token, projected."""

    def __init__(self, model: Any, config: Any) -> None:
        super().__init__(config.vision_config)
        self.encoder, self.projection = model.vision_model, model.vision_proj

    def forward(self, pixels: Tensor) -> Tensor:
        """Features (B, E) of pixels (B, 3, H, W)."""
        projected: Tensor = self.projection(self.encoder(pixel_values=pixels).last_hidden_state[:, 0])
        return projected


def parts_of(model: Any) -> Parts:
    """Of transformers' `BlipForImageTextRetrieval`, which stores no scale."""
    config = model.config
    text = FirstState(
        model.text_encoder, model.text_proj, config.text_config, int(config.image_text_hidden_size)
    )
    return Parts(text, BlipImage(model, config), logit_scale=None)
