"""The text tower of a model, whatever kind it is of."""

from __future__ import annotations

from typing import Any

from torch import nn

from nemesis_sweep.vlm.hugging_face import hugging_face_tower, is_hugging_face
from nemesis_sweep.vlm.open_clip_tower import open_clip_tower
from nemesis_sweep.vlm.tower import TextTower


def text_tower(model: nn.Module, context_length: int | None = None) -> TextTower:
    """Look at an open_clip `CLIP`, `CustomTextCLIP` or `CoCa` and take the parts of its text side, frozen.

    The parts are shared with the model, not copied; the model's text side is put into eval mode and its
    parameters stop requiring gradients. context_length: of the tokenizer, for Hugging Face encoders, which
    take texts of any length. Raises UserError for text towers that take no embeddings.
    """
    text: Any = getattr(model, "text", None)
    if is_hugging_face(text):
        return hugging_face_tower(text, context_length)
    return open_clip_tower(model)
