"""Images with learnt vectors beside their tokens, against texts with others among their words."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from nemesis_sweep.prompts.context import encode_vectors, encode_vectors_with_states
from nemesis_sweep.prompts.deep_text import DeepText
from nemesis_sweep.prompts.image_passes import at_once, encode_image_variants, encode_images
from nemesis_sweep.prompts.image_tower import ImageTowerLearner, Prompted
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.prompts.text_classifier import cosine_logits
from nemesis_sweep.vlm.variants import encode_variants


class BothTowersLearner(ImageTowerLearner, DeepText):
    """Deep language prompting, and vectors in the image tower; how these come about is the kind's own."""


class BothTowersClassifier(ImageClassifier):
    """Cosines of what both towers give, scaled. A kind writes ``_changed``.

    visual: vectors of the image tower ``(R, J, P, W)``. variants: whether it will be asked for those, and
    keeps the states that they can use again. texts: class features ``(R, C, E)``; features: of the images
    that it last classified, ``(R, B, E)``, both L2-normalised and with gradients if enabled.
    """

    features: Tensor

    def __init__(self, learner: BothTowersLearner, visual: Tensor, variants: bool) -> None:
        tower, layout, vectors = learner.backbone.text, learner.layout, learner.vectors
        self.replicates = len(vectors)
        self.device = vectors.device
        self.image_shape = learner.image_shape
        self.chunk = at_once(learner.tower, visual.shape[2], self.replicates, trained=False)
        self.visual = visual
        self._both = learner
        self._keeps = variants
        self._states = None
        if variants:
            self.texts, self._states = encode_vectors_with_states(tower, layout, vectors)
        else:
            self.texts = encode_vectors(tower, layout, vectors)
        self._classified: Tensor | None = None
        self._entering: list[Tensor] | None = None

    @property
    def prompted(self) -> Prompted:
        """What it computes with."""
        return Prompted(self._both.tower, self.visual, self.texts)

    def __call__(self, images: Tensor) -> Tensor:
        tower, keeps = self._both.tower, self._keeps
        self.features, self._entering = encode_images(tower, images, self.visual, keep=keeps)
        self._classified = images if keeps else None
        return cosine_logits(self.features, self.texts, self._both.backbone)

    def rescaled(self, images: Tensor, positions: Tensor, scales: Tensor) -> Tensor:
        return self._changed(images, positions, scales)

    def replaced(self, images: Tensor, positions: Tensor, vectors: Tensor) -> Tensor:
        return self._changed(images, positions, vectors)

    @abstractmethod
    def _changed(self, images: Tensor, positions: Tensor, by: Tensor) -> Tensor:
        """Logits ``(R, N, B, C)`` of variants with one vector changed ``by`` a factor, or by another."""

    def _texts_of(self, positions: Tensor, by: Tensor, place: int | None) -> Tensor:
        """Class features ``(R, N, C, E)`` with one vector of the text tower changed. place: the least of
        theirs in a text, where that is known."""
        learner = self._both
        return encode_variants(
            *(learner.backbone.text, learner.layout, learner.context, positions, by),
            deep=learner.deep,
            states=self._states,
            first=place,
        )

    @torch.no_grad()
    def _features_of(self, images: Tensor, visual: Tensor, block: int | None) -> Tensor:
        """Features ``(R, N, B, E)`` with vectors ``(R, N, J, P, W)``. block: the first that one of them
        differs in, from which is gone on where what enters it is kept."""
        states, begin = images, 0
        if self._entering and self._classified is images:
            begin = block or 0
            states = self._entering[begin].unflatten(0, images.shape[:2])
        return encode_image_variants(self._both.tower, states, visual, begin)
