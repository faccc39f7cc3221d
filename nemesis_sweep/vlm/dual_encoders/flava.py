"""FLAVA's contrastive side: the first state of either tower, projected. Its multimodal tower is not used."""

from __future__ import annotations

from typing import Any

from nemesis_sweep.vlm.dual_encoders.parts import FirstStateByIds, FirstStateImage, Parts, exponentiated


def parts_of(model: Any) -> Parts:
    """Of transformers' `FlavaModel`, whose text model takes ids alone."""
    config = model.config
    dim = int(config.projection_dim)
    return Parts(
        FirstStateByIds(model.text_model, model.text_projection, config.text_config, dim),
        FirstStateImage(model.image_model, model.image_projection, config.image_config),
        logit_scale=exponentiated(model.logit_scale),
    )
