"""LP++: a linear probe that also weighs the zero-shot classifier, class by class.

Huang et al., LP++: A Surprisingly Strong Linear Probe for Few-Shot CLIP (CVPR 2024, arXiv 2404.02285),
section 3: an image x has for class k the logit x.(w_k + alpha_k t_k) + b_k, with the normalised text
feature t_k of the dataset's own template and no scale. Gradient descent on the mean cross-entropy of all N
training images, 300 steps, whose step sizes follow from the data (F the image features, T their cosines
with the t_k):

- w_k starts as the sum of its class's features, b_k as 0, every alpha_k as 250 times the mean over the
  classes of the mean cosine of their images with their own text;
- w and b take a step in each round, 4 N / (largest eigenvalue of F'F), with momentum 0.9;
- alpha takes one in every tenth, N / (4 max_k sum_i T_ik^2).

The round is chosen on the validation images, for every replicate by itself: the highest accuracy, of those
the lowest cross-entropy, of equals the first. Nothing else is searched: this is LP++'s point. Centre
crops, as for the linear probe. (The public code draws b_k, adds up alpha's gradients over all rounds, and
takes the last round of the highest accuracy; the paper has one gradient a step.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.references.measured import Measured, measured
from nemesis_sweep.training.references.reference import ReferenceClassifier
from nemesis_sweep.training.references.selection import better, scores
from nemesis_sweep.training.references.side_by_side import on_device
from nemesis_sweep.vlm.backbone import Backbone

STEPS = 300
ALPHA_EVERY = 10
MOMENTUM = 0.9
ALPHA_START = 250.0

Values = dict[str, Tensor]
"""weight ``(R, C, E)``, bias and alpha ``(R, C)``."""


class LPPlusPlus(ReferenceClassifier):
    """weight ``(R, C, E)``, bias ``(R, C)``, alpha ``(R, C)``."""

    axes: ClassVar[Mapping[str, str]] = {"weight": "CE", "bias": "C", "alpha": "C"}

    def __init__(self, backbone: Backbone, data: Dataset, values: Mapping[str, Tensor]) -> None:
        super().__init__(backbone, data, values)
        self._texts = backbone.encode_texts(data.zero_shot_texts())

    def logits(self, images: Tensor) -> Tensor:
        return mixed_logits(images, images @ self._texts.T.to(images.dtype), self.values)


def lp_plus_plus(backbone: Backbone, dataset: Dataset, features: EpisodeFeatures) -> Measured:
    """The row: the best of all rounds."""
    features = on_device(features, backbone.text.device)
    values, steps = descended(backbone.encode_texts(dataset.zero_shot_texts()), features)
    settings = {"lp_plus_plus/step": steps}
    return measured(LPPlusPlus(backbone, dataset, values), features, values, settings)


@torch.no_grad()
def descended(texts: Tensor, features: EpisodeFeatures, steps: int = STEPS) -> tuple[Values, Tensor]:
    """What the best round of each replicate has, and its number from 1, ``(R,)``. texts: ``(C, E)``."""
    images = features.train.flatten(1, 2)
    labels = features.train_labels.repeat_interleave(features.train.shape[2], dim=1)
    texts = texts.to(images.dtype)
    cosines, val_cosines = images @ texts.T, features.val @ texts.T
    one_hot = F.one_hot(labels, len(texts)).to(images.dtype)
    values = beginning(images, cosines, one_hot)
    rate, alpha_rate = step_sizes(images, cosines)
    speed = {name: torch.zeros_like(values[name]) for name in ("weight", "bias")}
    kept, best, at = (
        values,
        _nothing(images),
        torch.zeros(len(images), dtype=torch.int64, device=images.device),
    )
    for step in range(1, steps + 1):
        slope = gradients(images, cosines, one_hot, values)
        speed = {name: MOMENTUM * speed[name] + slope[name] for name in speed}
        alpha = values["alpha"]
        values = {
            "weight": values["weight"] - rate[:, None, None] * speed["weight"],
            "bias": values["bias"] - rate[:, None] * speed["bias"],
            "alpha": alpha if step % ALPHA_EVERY else alpha - alpha_rate[:, None] * slope["alpha"],
        }
        found = mixed_logits(features.val, val_cosines, values)
        accuracy, loss = (each[0] for each in scores(found[None], features.val_labels))
        new = better(accuracy, loss, best)
        best = accuracy.where(new, best[0]), loss.where(new, best[1])
        at = at.masked_fill(new, step)
        kept = {name: _where(new, values[name], kept[name]) for name in values}
    return kept, at


def mixed_logits(images: Tensor, cosines: Tensor, values: Mapping[str, Tensor]) -> Tensor:
    """``x.(w + alpha t) + b``: features ``(R, n, E)``, their cosines with the texts ``(R, n, C)``."""
    own = images @ values["weight"].transpose(-1, -2) + values["bias"][:, None]
    return own + values["alpha"][:, None] * cosines


def beginning(images: Tensor, cosines: Tensor, one_hot: Tensor) -> Values:
    """The values before the first step; a class without images starts at zero."""
    weight = one_hot.transpose(-1, -2) @ images
    counts = one_hot.sum(dim=1)
    own = (one_hot * cosines).sum(dim=1) / counts.clamp(min=1)
    mean = own.sum(dim=1) / (counts > 0).sum(dim=1)
    alpha = (ALPHA_START * mean)[:, None].expand_as(own).clone()
    return {"weight": weight, "bias": torch.zeros_like(own), "alpha": alpha}


def step_sizes(images: Tensor, cosines: Tensor) -> tuple[Tensor, Tensor]:
    """Those of w and b, and those of alpha, ``(R,)``."""
    count = images.shape[1]
    largest = torch.linalg.matrix_norm(images.double(), ord=2) ** 2
    most = (cosines.double() ** 2).sum(dim=1).max(dim=1).values
    return (4 * count / largest).to(images.dtype), (count / (4 * most)).to(images.dtype)


def gradients(images: Tensor, cosines: Tensor, one_hot: Tensor, values: Mapping[str, Tensor]) -> Values:
    """Of the mean cross-entropy of each replicate, by weight, bias and alpha."""
    excess = (mixed_logits(images, cosines, values).softmax(dim=-1) - one_hot) / images.shape[1]
    return {
        "weight": excess.transpose(-1, -2) @ images,
        "bias": excess.sum(dim=1),
        "alpha": (excess * cosines).sum(dim=1),
    }


def _nothing(images: Tensor) -> tuple[Tensor, Tensor]:
    """Scores that every round is better than."""
    none = torch.full((len(images),), math.inf, dtype=torch.float64, device=images.device)
    return -none, none


def _where(new: Tensor, value: Tensor, former: Tensor) -> Tensor:
    return torch.where(new.view(-1, *[1] * (value.ndim - 1)), value, former)
