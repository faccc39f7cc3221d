"""What transformers' own models give, called as their documentation says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tests.vlm.dual_encoders.tiny import PATCH

Features = Callable[[Any, Tensor], Tensor]


def masked(model: Any, ids: Tensor) -> Tensor:
    """With the mask that a tokenizer gives beside the ids."""
    seen = (ids != model.config.text_config.pad_token_id).long()
    found: Tensor = model.get_text_features(input_ids=ids, attention_mask=seen).pooler_output
    return found


def first_masked(model: Any, ids: Tensor) -> Tensor:
    return masked(model, ids)[:, 0]


def unmasked(model: Any, ids: Tensor) -> Tensor:
    found: Tensor = model.get_text_features(input_ids=ids).pooler_output
    return found


def blip_texts(model: Any, ids: Tensor) -> Tensor:
    seen = (ids != 0).long()
    found: Tensor = model.text_proj(
        model.text_encoder(input_ids=ids, attention_mask=seen).last_hidden_state[:, 0]
    )
    return found


def blip2_texts(model: Any, ids: Tensor) -> Tensor:
    embedded = model.embeddings(input_ids=ids)
    states = model.qformer(query_embeds=embedded, query_length=0, attention_mask=(ids != 0).long())
    found: Tensor = model.text_projection(states.last_hidden_state[:, 0])
    return found


def blip2_images(model: Any, pixels: Tensor) -> Tensor:
    seen = model.vision_model(pixel_values=pixels).last_hidden_state
    asked = model.query_tokens.expand(len(pixels), -1, -1)
    found: Tensor = model.vision_projection(
        model.qformer(query_embeds=asked, encoder_hidden_states=seen).last_hidden_state
    )
    return found


def pooled(model: Any, pixels: Tensor) -> Tensor:
    found: Tensor = model.get_image_features(pixel_values=pixels).pooler_output
    return found


def first_pooled(model: Any, pixels: Tensor) -> Tensor:
    return pooled(model, pixels)[:, 0]


def blip_images(model: Any, pixels: Tensor) -> Tensor:
    found: Tensor = model.vision_proj(model.vision_model(pixel_values=pixels).last_hidden_state[:, 0])
    return found


def patched(pixels: Tensor) -> dict[str, Tensor]:
    """Pixels as SigLIP 2's image processor cuts them into patches."""
    from transformers.models.siglip2.image_processing_siglip2 import convert_image_to_patches

    patches = torch.stack([convert_image_to_patches(image, PATCH) for image in pixels])
    count, side = len(pixels), pixels.shape[-1] // PATCH
    seen, shapes = torch.ones(count, side * side, dtype=torch.long), torch.full((count, 2), side)
    return {"pixel_values": patches, "pixel_attention_mask": seen, "spatial_shapes": shapes}


def patches_pooled(model: Any, pixels: Tensor) -> Tensor:
    found: Tensor = model.get_image_features(**patched(pixels)).pooler_output
    return found


TEXTS: dict[str, Features] = {
    "clip": unmasked,
    "metaclip_2": unmasked,
    "blip": blip_texts,
    "blip-2": blip2_texts,
    "align": masked,
    "chinese_clip": masked,
    "altclip": masked,
    "siglip": unmasked,
    "siglip2": unmasked,
    "flava": first_masked,
    "tipsv2": masked,
}
"""Features (N, E) of ids, not normalised."""
PIXELS: dict[str, Features] = {
    "blip": blip_images,
    "blip-2": blip2_images,
    "siglip2": patches_pooled,
    "flava": first_pooled,
}
"""Features (B, E) of pixels, not normalised, of families that are asked otherwise than by `pooled`."""


def images_of(model_type: str, model: Any, pixels: Tensor) -> Tensor:
    return PIXELS.get(model_type, pooled)(model, pixels)


def logits_of(model_type: str, model: Any, ids: Tensor, pixels: Tensor) -> Tensor | None:
    """Logits (B, N) by its own pass over both; None for FLAVA, whose pass gives none."""
    given: dict[str, Any] = {"input_ids": ids}
    if TEXTS[model_type] is not unmasked:
        padding = 0 if model_type == "blip-2" else model.config.text_config.pad_token_id
        given["attention_mask"] = (ids != padding).long()
    given |= patched(pixels) if model_type == "siglip2" else {"pixel_values": pixels}
    if model_type == "flava":
        return None
    if model_type == "blip":
        found: Tensor = model(**given, use_itm_head=False).itm_score
        return found / 0.07
    logits: Tensor = model(**given).logits_per_image
    return logits / 0.07 if model_type == "blip-2" else logits
