"""AltCLIP: XLM-R, whose states are normalised and transformed before the first is projected; CLIP's images.

transformers' text model gives the transformed states, so the first of them is all that is left to do.
"""

from __future__ import annotations

from typing import Any

from nemesis_sweep.vlm.dual_encoders.parts import FirstState, Parts, PooledImage, exponentiated


def parts_of(model: Any) -> Parts:
    """Of transformers' `AltCLIPModel`."""
    config = model.config
    return Parts(
        FirstState(model.text_model, model.text_projection, config.text_config, int(config.projection_dim)),
        PooledImage(model.vision_model, config.vision_config, model.visual_projection),
        logit_scale=exponentiated(model.logit_scale),
    )
