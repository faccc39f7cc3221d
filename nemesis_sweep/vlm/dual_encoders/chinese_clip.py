"""Chinese CLIP: BERT, whose first state is projected, and CLIP's image tower."""

from __future__ import annotations

from typing import Any

from nemesis_sweep.vlm.dual_encoders.parts import FirstState, Parts, PooledImage, exponentiated


def parts_of(model: Any) -> Parts:
    """Of transformers' `ChineseCLIPModel`."""
    config = model.config
    return Parts(
        FirstState(model.text_model, model.text_projection, config.text_config, int(config.projection_dim)),
        PooledImage(model.vision_model, config.vision_config, model.visual_projection),
        logit_scale=exponentiated(model.logit_scale),
    )
