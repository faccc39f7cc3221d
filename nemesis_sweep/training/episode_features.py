"""What a trial trains and evaluates on: the features of all its replicates' episodes, stacked."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.episodes import Episode, few_shot_episode
from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.data.store import FeatureStore
from nemesis_sweep.spec.reads import POOLED, Reads
from nemesis_sweep.spec.tasks import PUBLISHED, ValShots
from nemesis_sweep.training.arguments import checked_seeds, checked_shots, checked_val_shots
from nemesis_sweep.vlm.backbone import Backbone


@dataclass(frozen=True)
class EpisodeFeatures:
    """Image features and labels of R episodes on one dataset; with ``(Q, E)`` for E where parts are read,
    ``(Q, W)`` where tokens are, and bytes ``(H, H, 3)`` where pixels are.

    train: ``(R, n, V, E)`` and ``(R, n)``; val: ``(R, m, E)`` and ``(R, m)``; test, the same for every
    replicate: ``(t, E)`` and ``(t,)``. reads: what of images these are; '' where nobody said.
    """

    train: Tensor
    train_labels: Tensor
    val: Tensor
    val_labels: Tensor
    test: Tensor
    test_labels: Tensor
    episodes: tuple[Episode, ...]
    reads: Reads = ""


def episode_features(
    dataset: Dataset,
    backbone: Backbone,
    shots: int,
    seeds: Sequence[int],
    views: int,
    report: SayLine | None = None,
    val_shots: ValShots = PUBLISHED,
    reads: Reads = POOLED,
) -> EpisodeFeatures:
    """Draw the episodes of the seeds and look their features up, encoding what the cache lacks.

    reads: features of whole images, or with `patches` of their parts, or with `states-K` tokens before the
    last K blocks of the image tower, or with `pixels` bytes, for prompts that read those.
    val_shots: validation images of each class: `published`, min(shots, 4), a number of them, or `all`.
    Raises ``UserError`` unless shots is a whole number >= 1, val_shots one of these, and seeds are different
    whole numbers.
    """
    shots, val_shots = checked_shots(shots), checked_val_shots(val_shots)
    episodes = tuple(few_shot_episode(dataset, shots, seed, val_shots) for seed in checked_seeds(seeds))
    return features_of(dataset, episodes, backbone, views, report, reads)


def features_of(
    dataset: Dataset,
    episodes: Sequence[Episode],
    backbone: Backbone,
    views: int,
    report: SayLine | None = None,
    reads: Reads = POOLED,
) -> EpisodeFeatures:
    """Look the features of drawn episodes up, and those of the dataset's test split."""
    augmented = FeatureStore(backbone, views, reads=reads)
    centre = augmented if views == 1 else FeatureStore(backbone, 1, reads=reads)
    train = augmented.features([item for e in episodes for item in e.train], report)
    val = centre.features([item for e in episodes for item in e.val], report)
    test = centre.features(dataset.test, report)
    replicates = len(episodes)
    return EpisodeFeatures(
        train=train.unflatten(0, (replicates, -1)),
        train_labels=torch.stack([_labels(e.train) for e in episodes]),
        val=val.squeeze(1).unflatten(0, (replicates, -1)),
        val_labels=torch.stack([_labels(e.val) for e in episodes]),
        test=test.squeeze(1),
        test_labels=_labels(dataset.test),
        episodes=tuple(episodes),
        reads=reads,
    )


def target_features(
    dataset: Dataset, backbone: Backbone, report: SayLine | None = None, reads: Reads = POOLED
) -> tuple[Tensor, Tensor]:
    """Features ``(t, E)`` of the test split's centre crops and their labels ``(t,)``."""
    images = FeatureStore(backbone, 1, reads=reads).features(dataset.test, report)
    return images.squeeze(1), _labels(dataset.test)


def _labels(items: Sequence[Item]) -> Tensor:
    return torch.tensor([item.label for item in items], dtype=torch.int64)
