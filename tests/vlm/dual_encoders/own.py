"""What transformers' own models give, called as their documentation says."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def blip(model: Any, ids: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
    seen = (ids != 0).long()
    texts = model.text_proj(model.text_encoder(input_ids=ids, attention_mask=seen).last_hidden_state[:, 0])
    images = model.vision_proj(model.vision_model(pixel_values=pixels).last_hidden_state[:, 0])
    return texts, images


FEATURES = {"blip": blip}
"""Features (N, E) of ids and (B, E) of pixels, neither of them normalised."""


def _blip(model: Any, ids: Tensor, pixels: Tensor) -> Tensor:
    found: Tensor = model(ids, pixels, use_itm_head=False, attention_mask=(ids != 0).long()).itm_score
    return found


FORWARD = {"blip": _blip}
"""Cosines (B, N) of pixels and ids, by its own pass over both."""
