"""What classifies images by what a row that trains no prompt has learnt: the contract of all of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.vlm.backbone import Backbone


class ReferenceClassifier(ImageClassifier):
    """R classifiers of image features ``(E,)``; axis 0 of every tensor is the replicate.

    tensors: names of what is learnt, which is all that is saved of one. dtype: in which it computes.
    data: names and template of the classes; a classifier that looks at neither knows its own classes only.
    """

    tensors: ClassVar[tuple[str, ...]]
    dtype: ClassVar[torch.dtype | None] = None

    def __init__(self, backbone: Backbone, data: Dataset, values: Mapping[str, Tensor]) -> None:
        self.backbone, self.data = backbone, data
        self.device = backbone.text.device
        self.values = {name: self._placed(values[name]) for name in self.tensors}
        self.replicates = len(self.values[self.tensors[0]])
        self.image_shape = (backbone.embed_dim,)

    def __call__(self, images: Tensor) -> Tensor:
        return self.logits(self._placed(images))

    @abstractmethod
    def logits(self, images: Tensor) -> Tensor:
        """Image features ``(R, B, E)``, where this computes, to logits ``(R, B, C)``."""

    def _placed(self, tensor: Tensor) -> Tensor:
        floating = tensor.is_floating_point()
        return tensor.detach().to(device=self.device, dtype=self.dtype if floating else None)


def classifier_of(baseline: str) -> type[ReferenceClassifier]:
    """The class that makes what a row has learnt a classifier."""
    found: type[ReferenceClassifier] = part_at(BASELINES[baseline].classifier)
    return found
