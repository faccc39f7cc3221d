"""TaskRes: a residual on the text features of every class.

Yu et al., Task Residual for Tuning Vision-Language Models (CVPR 2023, arXiv 2211.10277), section 3.2: with
the text feature t of a class as the tower gives it, NOT normalised, the classifier is t + alpha x,
normalised after the sum, by the model's scale; x starts at zero and learns from the cross-entropy. Batches
of 256, 100 epochs, from 8 shots on 200; each image is seen in one of its views. The base t is of the
dataset's own template.

A step of Adam does not depend on the scale of the gradient, so alpha times the learning rate is one
strength. It is searched as alpha in 0.1, 0.5, 2, 10, 50 (the public code: 0.5, for Flowers 1) with the
learning rate at the public 2e-3: CLIP's t are about 10 long, those of other models have other lengths.
alpha and the epoch, every tenth, are chosen on the validation images, for every replicate by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.prompts.text_classifier import cosine_logits
from nemesis_sweep.spec.values import Values
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.references.measured import NOTHING, Measured, measured, offered
from nemesis_sweep.training.references.reference import ReferenceClassifier
from nemesis_sweep.training.references.side_by_side import Course, Logits, folded, on_device, train
from nemesis_sweep.vlm.backbone import Backbone

ALPHAS = (0.1, 0.5, 2.0, 10.0, 50.0)
RATE = 2e-3
FEW, MANY = Course(epochs=100, every=10), Course(epochs=200, every=10)
MANY_SHOTS = 8


class TaskRes(ReferenceClassifier):
    """residual ``(R, C, E)`` and alpha ``(R,)``."""

    axes: ClassVar[Mapping[str, str]] = {"residual": "CE", "alpha": ""}

    def __init__(self, backbone: Backbone, data: Dataset, values: Mapping[str, Tensor]) -> None:
        super().__init__(backbone, data, values)
        base = backbone.encode_texts(data.zero_shot_texts(), normalised=False)
        self.texts: Tensor = moved(base, self.values["residual"], self.values["alpha"][:, None, None])

    def logits(self, images: Tensor) -> Tensor:
        return cosine_logits(images, self.texts.to(images.dtype), self.backbone)


def taskres(
    backbone: Backbone, dataset: Dataset, features: EpisodeFeatures, given: Values = NOTHING
) -> Measured:
    """The row: a residual for every class, with its strength. given: `residual_alpha`, `head_lr`."""
    features = on_device(features, backbone.text.device)
    replicates, like = len(features.episodes), features.train
    start = like.new_zeros(replicates, len(dataset.classnames), like.shape[-1])
    course = MANY if features.episodes[0].shots >= MANY_SHOTS else FEW
    alphas, (rate,) = offered(given, "residual_alpha", ALPHAS), offered(given, "head_lr", (RATE,))
    logits = head(backbone, dataset, alphas)
    chosen = train({"residual": start}, [rate] * len(alphas), logits, features, course)
    alpha = torch.tensor(alphas, dtype=like.dtype).to(like.device)[chosen.setting]
    values = {**chosen.values, "alpha": alpha}
    settings = {"taskres/alpha": alpha, "taskres/epoch": chosen.epoch}
    return measured(TaskRes(backbone, dataset, values), features, values, settings)


def moved(base: Tensor, residual: Tensor, alpha: Tensor) -> Tensor:
    """``t + alpha x``, L2-normalised: text features ``(..., C, E)``."""
    return F.normalize(base.to(residual.dtype) + alpha * residual, dim=-1)


def head(backbone: Backbone, dataset: Dataset, alphas: Sequence[float]) -> Logits:
    """Logits by residuals ``(S, R, C, E)``, one alpha a setting."""
    base = backbone.encode_texts(dataset.zero_shot_texts(), normalised=False)

    def logits(values: Mapping[str, Tensor], images: Tensor) -> Tensor:
        strength = torch.tensor(alphas, dtype=images.dtype).to(images.device)[:, None, None, None]
        texts = moved(base, values["residual"], strength)
        return folded(lambda every: cosine_logits(images, every, backbone), texts)

    return logits
