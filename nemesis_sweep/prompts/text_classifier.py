"""Classification by text features that do not depend on the image: cosines, scaled."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.vlm.backbone import Backbone

Variants = Callable[[Tensor, Tensor], Tensor]
"""Positions ``(R, N)``, and factors or vectors (``vlm.variants``), to features ``(R, N, C, E)``."""


class TextClassifier(ImageClassifier):
    """``exp(logit_scale) cos + logit_bias`` with text features ``(R, C, E)``, L2-normalised.

    variants: gives the text features of prompts with one vector rescaled. replaced: with another vector in
    its place; one function may do both.
    """

    def __init__(
        self,
        backbone: Backbone,
        texts: Tensor,
        variants: Variants | None = None,
        replaced: Variants | None = None,
    ) -> None:
        self.texts = texts
        self.replicates = len(texts)
        self.device = texts.device
        self.image_shape = backbone.image_shape()
        self.chunk = type(self).chunk // (backbone.queries or 1)
        self._backbone = backbone
        self._rescaled, self._replaced = variants, replaced

    def __call__(self, images: Tensor) -> Tensor:
        return cosine_logits(images, self.texts, self._backbone)

    @torch.no_grad()
    def rescaled(self, images: Tensor, positions: Tensor, scales: Tensor) -> Tensor:
        if self._rescaled is None:
            return super().rescaled(images, positions, scales)
        return self._classified(images, self._rescaled(positions, scales))

    @torch.no_grad()
    def replaced(self, images: Tensor, positions: Tensor, vectors: Tensor) -> Tensor:
        if self._replaced is None:
            return super().replaced(images, positions, vectors)
        return self._classified(images, self._replaced(positions, vectors))

    def _classified(self, images: Tensor, texts: Tensor) -> Tensor:
        """``(R, N, B, C)``: every variant sees the same batch of images."""
        return cosine_logits(images[:, None], texts, self._backbone)


def cosine_logits(images: Tensor, texts: Tensor, backbone: Backbone) -> Tensor:
    """``exp(logit_scale) cos + logit_bias``: ``(..., B, E), (..., C, E) -> (..., B, C)``.

    Of images with several features ``(..., B, Q, E)`` the one that is nearest to each text counts.
    """
    if backbone.queries:
        each = images.flatten(-3, -2) @ texts.transpose(-1, -2)  # (..., B * Q, C)
        cosines = each.unflatten(-2, images.shape[-3:-1]).max(dim=-2).values
    else:
        cosines = images @ texts.transpose(-1, -2)
    logits = backbone.logit_scale * cosines
    return logits if backbone.logit_bias is None else logits + backbone.logit_bias
