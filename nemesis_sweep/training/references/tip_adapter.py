"""Tip-Adapter: the few shots as a cache beside the zero-shot classifier. Nothing is trained.

Zhang et al., Tip-Adapter (ECCV 2022, arXiv 2207.09519), section 3.1: keys K are the features of the training
images, values V their labels, one-hot; an image x has the logits

    s x.w + alpha exp(-beta (1 - x.K)) V

with the zero-shot classifier w of the dataset's own template and the model's scale s (100 for CLIP; SigLIP's
bias, where there is one, is added). A key is the mean of the features of the image's views, normalised again;
the paper takes ten crops. alpha and beta are searched on the validation images, for every replicate by
itself, alpha in 2^-5, 2^-4, ..., 2^7, beta in 2^(k/2), k from -2 to 14: the highest accuracy, of those the
lowest cross-entropy, of equals the first, alpha first. (The public code has a finer grid up to 13 or so for
CLIP, and takes the first of the highest accuracy.)

The search and the logits are float64.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from nemesis_sweep.training.references.selection import best_of, scores
from nemesis_sweep.vlm.backbone import Backbone

ALPHAS = tuple(2.0**k for k in range(-5, 8))
BETAS = tuple(2.0 ** (k / 2) for k in range(-2, 15))


class TipAdapter(ReferenceClassifier):
    """keys ``(R, n, E)``, their labels ``(R, n)``, alpha and beta ``(R,)``."""

    axes: ClassVar[Mapping[str, str]] = {"keys": "nE", "labels": "n", "alpha": "", "beta": ""}
    dtype = torch.float64
    chunk = 1024

    def __init__(self, backbone: Backbone, data: Dataset, values: Mapping[str, Tensor]) -> None:
        super().__init__(backbone, data, values)
        self._texts = backbone.encode_texts(data.zero_shot_texts()).double()
        self._one_hot = F.one_hot(self.values["labels"], len(data.classnames)).double()

    def logits(self, images: Tensor) -> Tensor:
        alpha, beta = (self.values[name][:, None, None] for name in ("alpha", "beta"))
        cached = cache_logits(images, self.values["keys"], self._one_hot, beta)
        return cosine_logits(images, self._texts, self.backbone) + alpha * cached


def tip_adapter(
    backbone: Backbone, dataset: Dataset, features: EpisodeFeatures, given: Values = NOTHING
) -> Measured:
    """The row: keys from the training images, both strengths from the validation images.

    given: `cache_alpha`, `cache_beta`, or one of them.
    """
    keys = cache_keys(features)
    alpha, beta = chosen_strengths(backbone, dataset, keys, features, given)
    values = {"keys": keys, "labels": features.train_labels, "alpha": alpha, "beta": beta}
    settings = {"tip_adapter/alpha": alpha, "tip_adapter/beta": beta}
    return measured(TipAdapter(backbone, dataset, values), features, values, settings)


def cache_keys(features: EpisodeFeatures) -> Tensor:
    """Keys ``(R, n, E)``: the mean over the views of each training image, L2-normalised."""
    keys = F.normalize(features.train.double().mean(dim=2), dim=-1)
    return keys.to(features.train.dtype)


def cache_logits(images: Tensor, keys: Tensor, one_hot: Tensor, beta: Tensor) -> Tensor:
    """``exp(-beta (1 - x.K)) V``: images ``(..., B, E)``, keys ``(..., n, E)``, V ``(..., n, C)``."""
    return torch.exp(beta * (images @ keys.transpose(-1, -2) - 1)) @ one_hot


@torch.no_grad()
def chosen_strengths(
    backbone: Backbone,
    dataset: Dataset,
    keys: Tensor,
    features: EpisodeFeatures,
    given: Values = NOTHING,
) -> tuple[Tensor, Tensor]:
    """alpha and beta ``(R,)``, float64, that are the best on val with these keys, as far as none is given."""
    device = backbone.text.device
    texts = backbone.encode_texts(dataset.zero_shot_texts()).double()
    grids = offered(given, "cache_alpha", ALPHAS), offered(given, "cache_beta", BETAS)
    alphas, betas = (torch.tensor(each, dtype=torch.float64).to(device) for each in grids)
    chosen = []
    for number in range(len(keys)):
        images = features.val[number].to(device).double()
        labels = features.val_labels[number].to(device)[None]
        one_hot = F.one_hot(features.train_labels[number].to(device), len(texts)).double()
        own = cosine_logits(images, texts, backbone)
        found = [
            scores((own + alphas[:, None, None] * cached)[:, None], labels)
            for cached in (cache_logits(images, keys[number].to(device).double(), one_hot, b) for b in betas)
        ]
        # Alpha by alpha, as the grid is told.
        accuracy, loss = (
            torch.stack([each[which] for each in found], dim=1).flatten(0, 1) for which in (0, 1)
        )
        chosen.append(int(best_of(accuracy, loss)))
    places = torch.tensor(chosen).to(device)
    return alphas[places // len(betas)], betas[places % len(betas)]
