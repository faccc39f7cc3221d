"""Features that live where a trial trains: on a GPU its batches are gathered there, and nothing is copied."""

from dataclasses import replace
from math import prod

import torch

from nemesis_sweep.training.checks import check_batch
from nemesis_sweep.training.episode_features import EpisodeFeatures

MOST = 2**29
"""Bytes of training and validation features that a trial keeps on its GPU; of more, batches are copied."""


def bytes_there(images: int, shape: tuple[int, ...], of_number: int = 4) -> int:
    """Bytes that so many features of a shape take on a GPU, fp32 by default: 0 where they stay on the CPU."""
    wanted = images * prod(shape) * of_number
    return wanted if wanted <= MOST else 0


def resident(features: EpisodeFeatures, device: torch.device, classes: int) -> EpisodeFeatures:
    """The same with training and validation features on the device, which are looked at here once.

    Itself on a CPU, and where they are too large. Raises ``UserError`` for features that are not finite and
    labels without a class.
    """
    train, val = features.train, features.val
    count = train.shape[:3].numel() + val.shape[:2].numel()
    if device.type == "cpu" or not bytes_there(count, tuple(train.shape[3:]), train.itemsize):
        return features
    placed = {
        name: getattr(features, name).to(device) for name in ("train", "train_labels", "val", "val_labels")
    }
    # All views of an image side by side.
    looked_at = placed["train"].flatten(2)
    check_batch(looked_at, placed["train_labels"], len(train), tuple(looked_at.shape[2:]), classes)
    return replace(features, **placed)
