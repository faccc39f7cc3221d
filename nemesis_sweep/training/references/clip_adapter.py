"""CLIP-Adapter: a small network behind the image tower.

Gao et al., CLIP-Adapter (IJCV 2024, arXiv 2110.04544), section 3.2, the visual adapter alone, as in the
public code: the feature x of an image becomes ratio * relu(W2 relu(W1 x)) + (1 - ratio) x, normalised,
against the texts of the dataset's own template. W1 is (E / 4, E), W2 (E, E / 4), without biases, drawn as
torch draws a linear layer. There is no bias anywhere, so the length of x has no part in it, and normalised
features do. The adapter knows no classes: it transfers to other class names.

Batches of 256, 50 epochs of Adam; each image is seen in one of its views. On the validation images are
chosen, for every replicate by itself, ratio in 0.2, 0.8 (the public code: 0.2; the paper searches it for
every dataset), the learning rate in 1e-3, 1e-2, 3e-2, and the epoch, every fifth. (The public code trains
as CoOp does, to the last epoch.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.prompts.text_classifier import cosine_logits
from nemesis_sweep.spec.values import Values
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.generators import Generators
from nemesis_sweep.training.references.measured import NOTHING, Measured, measured, offered
from nemesis_sweep.training.references.reference import ReferenceClassifier
from nemesis_sweep.training.references.side_by_side import Course, Logits, on_device, train
from nemesis_sweep.vlm.backbone import Backbone

RATIOS, RATES = (0.2, 0.8), (1e-3, 1e-2, 3e-2)
COURSE = Course(epochs=50, every=5)
SMALLER = 4


class ClipAdapter(ReferenceClassifier):
    """down ``(R, E / 4, E)``, up ``(R, E, E / 4)``, ratio ``(R,)``."""

    axes: ClassVar[Mapping[str, str]] = {"down": "hE", "up": "Eh", "ratio": ""}

    def __init__(self, backbone: Backbone, data: Dataset, values: Mapping[str, Tensor]) -> None:
        super().__init__(backbone, data, values)
        self._texts = backbone.encode_texts(data.zero_shot_texts())

    def logits(self, images: Tensor) -> Tensor:
        features = adapted(images, self.values, self.values["ratio"][:, None, None])
        return cosine_logits(features, self._texts.to(images.dtype), self.backbone)


def clip_adapter(
    backbone: Backbone, dataset: Dataset, features: EpisodeFeatures, given: Values = NOTHING
) -> Measured:
    """The row: an adapter with its ratio. given: `adapter_ratio`, `head_lr`."""
    features = on_device(features, backbone.text.device)
    like = features.train
    start = {name: each.to(like) for name, each in drawn(features, like.shape[-1]).items()}
    settings = product(offered(given, "adapter_ratio", RATIOS), offered(given, "head_lr", RATES))
    ratios, rates = zip(*settings, strict=True)
    chosen = train(start, rates, head(backbone, dataset, ratios), features, COURSE)
    ratio, rate = (
        torch.tensor(each, dtype=like.dtype).to(like.device)[chosen.setting] for each in (ratios, rates)
    )
    values = {**chosen.values, "ratio": ratio}
    found = {"clip_adapter/ratio": ratio, "clip_adapter/lr": rate, "clip_adapter/epoch": chosen.epoch}

    def classifier_of(data: Dataset) -> ClipAdapter:
        return ClipAdapter(backbone, data, values)

    return measured(classifier_of(dataset), features, values, found, classifier_of)


def drawn(features: EpisodeFeatures, width: int) -> dict[str, Tensor]:
    """Weights of adapters before training, uniform within 1 / sqrt(inputs), each replicate's its own."""
    small = max(1, width // SMALLER)
    shapes = {"down": (small, width), "up": (width, small)}
    generators = Generators([episode.seed for episode in features.episodes])["init"]
    weights: dict[str, list[Tensor]] = {name: [] for name in shapes}
    for generator in generators:
        for name, shape in shapes.items():
            bound = 1 / math.sqrt(shape[1])
            weights[name].append(torch.empty(shape).uniform_(-bound, bound, generator=generator))
    return {name: torch.stack(each) for name, each in weights.items()}


def adapted(images: Tensor, values: Mapping[str, Tensor], ratio: Tensor) -> Tensor:
    """Image features behind the adapter, L2-normalised: ``(..., B, E)``."""
    inner = torch.relu(images @ values["down"].transpose(-1, -2))
    outer = torch.relu(inner @ values["up"].transpose(-1, -2))
    return F.normalize(ratio * outer + (1 - ratio) * images, dim=-1)


def head(backbone: Backbone, dataset: Dataset, ratios: Sequence[float]) -> Logits:
    """Logits by adapters ``(S, R, ...)``, one ratio a setting."""
    texts = backbone.encode_texts(dataset.zero_shot_texts())

    def logits(values: Mapping[str, Tensor], images: Tensor) -> Tensor:
        ratio = torch.tensor(ratios, dtype=images.dtype).to(images.device)[:, None, None, None]
        return cosine_logits(adapted(images, values, ratio), texts.to(images.dtype), backbone)

    return logits
