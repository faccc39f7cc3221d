"""MaPLe: vectors in both towers, those of the image tower made of the text's (Khattak et al., 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import ClassVar

import torch
from torch import Tensor, nn

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.prompts.both_towers import BothTowersClassifier, BothTowersLearner
from nemesis_sweep.prompts.context import random_context, start_context, uniform
from nemesis_sweep.prompts.text_classifier import cosine_logits
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import MaPLeFields
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.image_states import image_blocks, states_shape
from nemesis_sweep.vlm.variants import changed


class MaPLe(BothTowersLearner):
    """Deep language prompting with J blocks, and for each a linear layer to vectors of the image tower.

    context ``(R, M, D)``, deep ``(R, J - 1, M, D)``; projection ``(R, J, W, D)`` and its bias ``(R, J, W)``.
    PUN and PAN see the J * M text vectors; PAN scales them in front of the projection, so in both towers.
    """

    tensors: ClassVar[tuple[str, ...]] = ("context", "deep", "projection", "projection_bias")
    fields = MaPLeFields
    projection: nn.Parameter
    projection_bias: nn.Parameter

    @classmethod
    def start(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """Deep language prompting's start; torch's own of linear layers, one for all blocks but the first,
        as published. Raises ``UserError`` for towers without so many blocks."""
        backbone.image_shape(method.reads)
        depth = _depth(backbone, method)
        context = start_context(backbone, method, generators)
        (_, width), inputs = states_shape(backbone.visual), context.shape[-1]
        bound = 1 / sqrt(inputs)
        weights, biases = (uniform(shape, bound, generators) for shape in ((2, width, inputs), (2, width)))
        blocks = torch.tensor([0, *[1] * (depth - 1)])
        return {
            "context": context,
            "deep": random_context((depth - 1, *context.shape[-2:]), generators),
            "projection": weights[:, blocks],
            "projection_bias": biases[:, blocks],
        }

    def projected(self, vectors: Tensor) -> Tensor:
        """Vectors ``(..., J, M, W)`` of the image tower, of text vectors ``(R, ..., J, M, D)``."""
        between = [1] * (vectors.ndim - 4)
        weights = self.projection.view(len(self.projection), *between, *self.projection.shape[1:])
        biases = self.projection_bias.view(len(self.projection), *between, *self.projection_bias.shape[1:])
        return vectors @ weights.mT + biases[..., None, :]

    def first_place(self, positions: Tensor) -> int:
        """The first block that a variant differs in, times M, and the least place in the text."""
        block = int(positions.min()) // self.layout.n_ctx
        return block * self.layout.n_ctx + super().first_place(positions)

    def classifier(self, *, variants: bool = False) -> MaPLeClassifier:
        return MaPLeClassifier(self, variants)


class MaPLeClassifier(BothTowersClassifier):
    """The image tower's vectors are the projected ones."""

    def __init__(self, learner: MaPLe, variants: bool) -> None:
        super().__init__(learner, learner.projected(learner.vectors), variants)
        self._learner = learner

    @torch.no_grad()
    def _changed(self, images: Tensor, positions: Tensor, by: Tensor) -> Tensor:
        """As of the contract; in both towers from where on a variant differs."""
        learner, n_ctx = self._learner, self._learner.layout.n_ctx
        block, place = (None, None) if self.first is None else divmod(self.first, n_ctx)
        texts = self._texts_of(positions, by, place)
        vectors = changed(learner.vectors.flatten(1, 2), positions, by)
        vectors = vectors.unflatten(0, positions.shape).unflatten(2, (-1, n_ctx))  # (R, N, J, M, D)
        found = self._features_of(images, learner.projected(vectors), block)
        return cosine_logits(found, texts, learner.backbone)


def _depth(backbone: Backbone, method: Method) -> int:
    """J, the number of blocks of both towers with vectors of their own."""
    depth = method.prompt_depth
    of_images = method.vision_last or image_blocks(backbone.visual)
    there = min(backbone.text.layers, of_images)
    if depth is not None and depth > there:
        message = "deeper than both towers have blocks with vectors"
        raise UserError(Problem(message, "prompt_depth", found=str(depth), allowed=f"at most {there}"))
    return depth or there
