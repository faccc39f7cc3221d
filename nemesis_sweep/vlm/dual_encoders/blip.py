"""BLIP with its contrastive head: the first text state and the image's class token, each projected.

That head (ITC) reads no image in the text tower, so the features of the classes serve all images. The head
that compares a text with the patches of one image (ITM) is not used.
"""

from __future__ import annotations

from typing import Any

from nemesis_sweep.vlm.dual_encoders.parts import FirstState, FirstStateImage, Parts


def parts_of(model: Any) -> Parts:
    """Of transformers' `BlipForImageTextRetrieval`, which stores no scale."""
    config = model.config
    dim = int(config.image_text_hidden_size)
    return Parts(
        FirstState(model.text_encoder, model.text_proj, config.text_config, dim),
        FirstStateImage(model.vision_model, model.vision_proj, config.vision_config),
        logit_scale=None,
    )
