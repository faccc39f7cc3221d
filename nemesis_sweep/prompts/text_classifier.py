"""Classification by text features that do not depend on the image: cosines, scaled."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nemesis_sweep.prompts.learner import ImageClassifier, no_variants
from nemesis_sweep.vlm.backbone import Backbone

Variants = Callable[[Tensor, Tensor], Tensor]
"""Positions ``(R, N)``, and factors or vectors as of ``encode_variants``, to features ``(R, N, C, E)``."""


class TextClassifier(ImageClassifier):
    """``exp(logit_scale) cos + logit_bias`` with text features ``(R, C, E)``, L2-normalised.

    variants: gives the text features of prompts with one vector changed.
    """

    def __init__(self, backbone: Backbone, texts: Tensor, variants: Variants | None = None) -> None:
        self.texts = texts
        self.replicates = len(texts)
        self.device = texts.device
        self.image_shape = (texts.shape[-1],)
        self._backbone = backbone
        self._variants = variants

    def __call__(self, images: Tensor) -> Tensor:
        return cosine_logits(images, self.texts, self._backbone)

    def rescaled(self, images: Tensor, positions: Tensor, scales: Tensor) -> Tensor:
        return self._changed(images, positions, scales)

    def replaced(self, images: Tensor, positions: Tensor, vectors: Tensor) -> Tensor:
        return self._changed(images, positions, vectors)

    @torch.no_grad()
    def _changed(self, images: Tensor, positions: Tensor, by: Tensor) -> Tensor:
        if self._variants is None:
            raise no_variants(type(self).__name__)
        # (R, N, B, C): every variant sees the same batch of images.
        return cosine_logits(images[:, None], self._variants(positions, by), self._backbone)


def cosine_logits(images: Tensor, texts: Tensor, backbone: Backbone) -> Tensor:
    """``exp(logit_scale) cos + logit_bias``: ``(..., B, E), (..., C, E) -> (..., B, C)``."""
    logits = backbone.logit_scale * (images @ texts.transpose(-1, -2))
    return logits if backbone.logit_bias is None else logits + backbone.logit_bias
