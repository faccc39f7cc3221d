"""ALIGN: BERT, whose first state is projected, and an EfficientNet, which is pooled and not projected."""

from __future__ import annotations

from typing import Any

from nemesis_sweep.vlm.cosine_factor import of_temperature
from nemesis_sweep.vlm.dual_encoders.parts import FirstState, Parts, PooledImage


def parts_of(model: Any) -> Parts:
    """Of transformers' `AlignModel`, which divides cosines by a temperature."""
    config = model.config
    text = FirstState(model.text_model, model.text_projection, config.text_config, int(config.projection_dim))
    image = PooledImage(model.vision_model, config.vision_config)
    # A convolutional network takes images of any size.
    image.image_size = None
    return Parts(text, image, logit_scale=of_temperature(float(model.temperature.detach())))
