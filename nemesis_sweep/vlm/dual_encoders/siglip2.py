"""SigLIP 2 for images of any sides (NaFlex), of which only squares are given to it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nemesis_sweep.vlm.dual_encoders.parts import ImageModel, Parts, exponentiated
from nemesis_sweep.vlm.dual_encoders.siglip import SiglipText


class SquarePatches(ImageModel):
    """An image model that takes patches, of a square image as many in each direction."""

    def __init__(self, encoder: Any, config: Any) -> None:
        super().__init__(config)
        self.encoder, self.patch = encoder, int(config.patch_size)

    def forward(self, pixels: Tensor) -> Tensor:
        """Features (B, E) of pixels (B, 3, H, H)."""
        count, side = pixels.shape[0], pixels.shape[-1] // self.patch
        rows = pixels.unflatten(3, (side, self.patch)).unflatten(2, (side, self.patch))  # (B, 3, y, P, x, P)
        patches = rows.permute(0, 2, 4, 3, 5, 1).reshape(count, side * side, -1)
        seen = torch.ones(count, side * side, dtype=torch.long, device=pixels.device)
        shapes = torch.full((count, 2), side, device=pixels.device)
        made: Tensor = self.encoder(patches, pixel_attention_mask=seen, spatial_shapes=shapes).pooler_output
        return made


def parts_of(model: Any) -> Parts:
    """Of transformers' `Siglip2Model`."""
    config = model.config
    return Parts(
        SiglipText(model.text_model, config.text_config),
        SquarePatches(model.vision_model, config.vision_config),
        logit_scale=exponentiated(model.logit_scale),
        logit_bias=float(model.logit_bias.detach()),
    )
