"""What classifies images by what a row that trains no prompt has learnt: the contract of all of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.vlm.backbone import Backbone


class ReferenceClassifier(ImageClassifier):
    """R classifiers of image features ``(E,)``; axis 0 of every tensor is the replicate.

    axes: of each tensor that is learnt, which is all that is saved of one, the axes behind the replicates':
    C classes, E of a feature; other letters stand for the same size wherever they are. dtype: in which it
    computes. data: names and template of the classes. texts: features ``(R, C, E)`` of the classes,
    L2-normalised, of a row that classifies by their cosines alone; None of the others.

    Raises ``UserError`` for tensors that do not fit these axes, the classes and the backbone.
    """

    axes: ClassVar[Mapping[str, str]]
    dtype: ClassVar[torch.dtype | None] = None
    texts: Tensor | None = None

    def __init__(self, backbone: Backbone, data: Dataset, values: Mapping[str, Tensor]) -> None:
        self.backbone, self.data = backbone, data
        self.device = backbone.text.device
        _refuse_other_axes(self.axes, values, {"C": len(data.classnames), "E": backbone.embed_dim})
        self.values = {name: self._placed(values[name]) for name in self.axes}
        self.replicates = len(next(iter(self.values.values())))
        self.image_shape = (backbone.embed_dim,)

    def __call__(self, images: Tensor) -> Tensor:
        return self.logits(self._placed(images))

    @abstractmethod
    def logits(self, images: Tensor) -> Tensor:
        """Image features ``(R, B, E)``, where this computes, to logits ``(R, B, C)``."""

    def _placed(self, tensor: Tensor) -> Tensor:
        floating = tensor.is_floating_point()
        return tensor.detach().to(device=self.device, dtype=self.dtype if floating else None)


def _refuse_other_axes(
    axes: Mapping[str, str], values: Mapping[str, Tensor], sizes: Mapping[str, int]
) -> None:
    known = dict(sizes)
    for name, letters in axes.items():
        if name not in values:
            raise UserError(
                Problem("this reference lacks a tensor", found=listed(list(values)), allowed=name)
            )
        found = tuple(values[name].shape)
        if len(found) == len(letters) + 1:
            for letter, size in zip("R" + letters, found, strict=True):
                known.setdefault(letter, size)
        wanted = tuple(known.get(letter, -1) for letter in "R" + letters)
        if found != wanted:
            allowed = ", ".join(str(known.get(letter, letter)) for letter in "R" + letters)
            message = f"the reference's {name} does not fit its classes and backbone"
            raise UserError(Problem(message, found=str(found), allowed=f"({allowed})"))


def classifier_of(baseline: str) -> type[ReferenceClassifier]:
    """The class that makes what a row has learnt a classifier."""
    found: type[ReferenceClassifier] = part_at(BASELINES[baseline].classifier)
    return found
