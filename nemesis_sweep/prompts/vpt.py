"""VPT: learnt vectors among the tokens of an image (Jia et al., 2022), as for CLIP (Khattak et al., 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from nemesis_sweep.prompts.image_passes import at_once, encode_image_variants, encode_images
from nemesis_sweep.prompts.image_tower import ImageTowerLearner, Prompted, start_visual
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.prompts.text_classifier import cosine_logits
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import VPTFields
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.variants import changed


class VPT(ImageTowerLearner):
    """Vectors ``visual`` ``(R, J, P, W)`` beside the tokens of every image, P before each of J blocks.

    The blocks are the tower's last ``vision_last``, of which the first J have vectors of their own; what is
    in front of them is frozen, and kept. Class features are those of the hand-written prompt, for ever.
    PUN and PAN see the J * P vectors one by one, block after block.
    """

    tensors: ClassVar[tuple[str, ...]] = ("visual",)
    fields = VPTFields
    visual: nn.Parameter

    @classmethod
    def start(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """As of ``start_visual``."""
        return {"visual": start_visual(backbone, method, generators)}

    @property
    def n_vectors(self) -> int:
        return self.visual.shape[1] * self.visual.shape[2]

    def penalised(self, images: Tensor | None = None) -> Tensor:
        return self.visual.flatten(1, 2)

    def first_place(self, positions: Tensor) -> int:
        """The first block that a variant differs in."""
        return int(positions.min()) // self.visual.shape[2]

    def typical_norms(self, images: Tensor | None = None) -> Tensor | None:
        """Of each replicate and block, ``(R, P)``: the mean norm of the patches of its images there."""
        return None if images is None else self.norms_of_patches(images, self.visual)

    def classifier(self, *, variants: bool = False) -> VPTClassifier:
        return VPTClassifier(self, variants)


class VPTClassifier(ImageClassifier):
    """Images through the blocks with the vectors beside them, against the class features.

    variants: whether it will be asked for those, and keeps what enters each block.
    """

    def __init__(self, learner: VPT, variants: bool) -> None:
        self.replicates = len(learner.visual)
        self.device = learner.visual.device
        self.image_shape = learner.image_shape
        self.chunk = at_once(learner.tower, learner.visual.shape[2], self.replicates, trained=False)
        self._learner = learner
        self._keeps = variants
        self._kept: tuple[Tensor, list[Tensor]] | None = None

    @property
    def prompted(self) -> Prompted:
        """What it computes with."""
        learner = self._learner
        return Prompted(learner.tower, learner.visual, learner.anchors)

    def __call__(self, images: Tensor) -> Tensor:
        learner = self._learner
        found, entering = encode_images(learner.tower, images, learner.visual, keep=self._keeps)
        self._kept = (images, entering) if entering else None
        return cosine_logits(found, learner.anchors, learner.backbone)

    def rescaled(self, images: Tensor, positions: Tensor, scales: Tensor) -> Tensor:
        return self._changed(images, positions, scales)

    def replaced(self, images: Tensor, positions: Tensor, vectors: Tensor) -> Tensor:
        return self._changed(images, positions, vectors)

    @torch.no_grad()
    def _changed(self, images: Tensor, positions: Tensor, by: Tensor) -> Tensor:
        """As of the contract; from the first block on that a variant differs in, where that is kept."""
        learner, visual = self._learner, self._learner.visual
        vectors = changed(visual.flatten(1, 2), positions, by)
        vectors = vectors.unflatten(0, positions.shape).unflatten(2, visual.shape[1:3])  # (R, N, J, P, W)
        states, begin = images, 0
        if self._kept is not None and self._kept[0] is images:
            begin = self.first or 0
            states = self._kept[1][begin].unflatten(0, images.shape[:2])
        found = encode_image_variants(learner.tower, states, vectors, begin)
        return cosine_logits(found, learner.anchors, learner.backbone)
