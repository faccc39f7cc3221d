"""MaPLe: vectors in both towers, those of the image tower made of the text's (Khattak et al., 2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import ClassVar

import torch
from torch import Tensor, nn

from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.prompts.context import (
    encode_vectors,
    encode_vectors_with_states,
    random_context,
    start_context,
    uniform,
)
from nemesis_sweep.prompts.deep_text import DeepText
from nemesis_sweep.prompts.image_passes import at_once, encode_image_variants, encode_images
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.prompts.text_classifier import cosine_logits
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import MaPLeFields
from nemesis_sweep.spec.reads import PIXELS
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.image_states import PromptedTower, image_blocks, states_shape
from nemesis_sweep.vlm.variants import encode_variants, rescale


class MaPLe(DeepText):
    """Deep language prompting with J blocks, and for each a linear layer to vectors of the image tower.

    context ``(R, M, D)``, deep ``(R, J - 1, M, D)``; projection ``(R, J, W, D)`` and its bias ``(R, J, W)``.
    PUN and PAN see the J * M text vectors; PAN scales them in front of the projection, so in both towers.
    """

    tensors: ClassVar[tuple[str, ...]] = ("context", "deep", "projection", "projection_bias")
    reads = PIXELS
    fields = MaPLeFields
    projection: nn.Parameter
    projection_bias: nn.Parameter

    def __init__(
        self,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        values: Mapping[str, Tensor],
        template: str = DEFAULT_TEMPLATE,
    ) -> None:
        super().__init__(backbone, method, classnames, values, template)
        self.reads = method.reads
        self.tower = PromptedTower(backbone.visual, method.vision_last, backbone.preprocess)

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

    @property
    def image_shape(self) -> tuple[int, ...]:
        return self.backbone.image_shape(self.reads)

    def classifier(self, *, variants: bool = False) -> MaPLeClassifier:  # type: ignore[override]
        return MaPLeClassifier(self, variants)


class MaPLeClassifier(ImageClassifier):
    """Images with the projected vectors beside their tokens, against the texts with the vectors in them.

    variants: whether it will be asked for those, and keeps the states that they can use again.
    """

    def __init__(self, learner: MaPLe, variants: bool) -> None:
        tower, layout, vectors = learner.backbone.text, learner.layout, learner.vectors
        self.replicates = len(vectors)
        self.device = vectors.device
        self.image_shape = learner.image_shape
        self.chunk = at_once(learner.tower, layout.n_ctx, self.replicates, trained=False)
        self._learner = learner
        self._keeps = variants
        self._states = None
        if variants:
            self.texts, self._states = encode_vectors_with_states(tower, layout, vectors)
        else:
            self.texts = encode_vectors(tower, layout, vectors)
        self._kept: tuple[Tensor, list[Tensor]] | None = None

    def __call__(self, images: Tensor) -> Tensor:
        learner = self._learner
        vectors = learner.projected(learner.vectors)
        found, entering = encode_images(learner.tower, images, vectors, keep=self._keeps)
        self._kept = (images, entering) if entering else None
        return cosine_logits(found, self.texts, learner.backbone)

    @torch.no_grad()
    def rescaled(self, images: Tensor, positions: Tensor, scales: Tensor) -> Tensor:
        """As of the contract; in both towers from where on a variant differs."""
        learner, n_ctx = self._learner, self._learner.layout.n_ctx
        block, place = (None, None) if self.first is None else divmod(self.first, n_ctx)
        texts = encode_variants(
            *(learner.backbone.text, learner.layout, learner.context, positions, scales),
            deep=learner.deep,
            states=self._states,
            first=place,
        )
        vectors = rescale(learner.vectors.flatten(1, 2), positions, scales)
        vectors = vectors.unflatten(0, positions.shape).unflatten(2, (-1, n_ctx))  # (R, N, J, M, D)
        states, begin = images, 0
        if self._kept is not None and self._kept[0] is images:
            begin = block or 0
            states = self._kept[1][begin].unflatten(0, images.shape[:2])
        found = encode_image_variants(learner.tower, states, learner.projected(vectors), begin)
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
