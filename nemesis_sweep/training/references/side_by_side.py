"""Heads trained on cached features: every setting of a grid and every replicate at the same time.

AdamW on the cross-entropy. Every epoch goes once through each replicate's images, in an order of its own
and each in a view of its own; the last batch may be smaller. The learning rate falls from step to step as
half a cosine, lr (1 + cos(pi t / T)) / 2, t from 0. All settings of a replicate start alike and see the
same batches. What is kept is the setting and the epoch with the highest accuracy on the validation images;
of those the one with the lowest cross-entropy, of equals the first. The test images have no part in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.generators import Generators
from nemesis_sweep.training.references.selection import best_of, better, of_each, scores

Logits = Callable[[Mapping[str, Tensor], Tensor], Tensor]
"""Values ``(S, R, ...)`` and image features ``(R, B, E)`` to logits ``(S, R, B, C)``."""

SOME = 256
"""Validation images at a time."""


@dataclass(frozen=True)
class Course:
    """How long and how is trained: epochs, after how many of them validation looks, images in a batch, and
    what AdamW takes beside the learning rate."""

    epochs: int
    every: int
    batch: int = 256
    weight_decay: float = 0.0
    eps: float = 1e-8


@dataclass(frozen=True)
class Chosen:
    """What validation chose for each replicate: values ``(R, ...)``, number of the setting ``(R,)``, and the
    epoch, from 1, after which they were these, ``(R,)``."""

    values: Mapping[str, Tensor]
    setting: Tensor
    epoch: Tensor


def train(
    start: Mapping[str, Tensor],
    rates: Sequence[float],
    logits: Logits,
    features: EpisodeFeatures,
    course: Course,
) -> Chosen:
    """Train from ``start``, tensors ``(R, ...)``, with the learning rate of every setting."""
    # Neighbours with the same rate are one parameter for AdamW, which works on each number by itself.
    groups = [(rate, len(list(same))) for rate, same in groupby(rates)]
    parts = [_begun(start, settings) for _, settings in groups]
    optimiser = torch.optim.AdamW(
        [{"params": list(part.values())} for part in parts],
        weight_decay=course.weight_decay,
        eps=course.eps,
    )
    generators = Generators([episode.seed for episode in features.episodes])
    best = _Best(len(rates), features)
    steps, step = course.epochs * math.ceil(features.train.shape[1] / course.batch), 0
    for epoch in range(1, course.epochs + 1):
        for images, labels in _batches(features, generators, course.batch):
            for group, (rate, _) in zip(optimiser.param_groups, groups, strict=True):
                group["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2
            optimiser.zero_grad()
            total_loss(logits(_joined(parts), images), labels).backward()
            optimiser.step()
            step += 1
        if epoch % course.every == 0 or epoch == course.epochs:
            best.look(_joined(parts), logits, epoch)
    return best.chosen()


def folded(logits: Callable[[Tensor], Tensor], vectors: Tensor) -> Tensor:
    """Logits ``(S, R, B, n)`` by vectors ``(S, R, n, E)`` that every setting has of its own.

    logits: of vectors ``(R, S n, E)``, to ``(R, B, S n)``: one product in which the images are not repeated
    for every setting.
    """
    found = logits(vectors.transpose(0, 1).flatten(1, 2))
    return found.unflatten(-1, (len(vectors), -1)).movedim(-2, 0)


def total_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The sum over settings and replicates of the mean cross-entropy of each: each has its own gradient."""
    losses = F.cross_entropy(
        logits.flatten(0, -2), labels.expand(logits.shape[:-1]).flatten(), reduction="sum"
    )
    return losses / labels.shape[-1]


def on_device(features: EpisodeFeatures, device: torch.device) -> EpisodeFeatures:
    """The same with training and validation features on a device."""
    names = ("train", "train_labels", "val", "val_labels")
    return replace(features, **{name: getattr(features, name).to(device) for name in names})


def _begun(start: Mapping[str, Tensor], settings: int) -> dict[str, nn.Parameter]:
    """``(R, ...)`` to ``(settings, R, ...)``."""
    return {name: nn.Parameter(torch.stack(settings * [value])) for name, value in start.items()}


def _joined(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _batches(
    features: EpisodeFeatures, generators: Generators, batch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch: image features ``(R, B, E)`` and labels ``(R, B)``."""
    count, views = features.train.shape[1:3]
    device = features.train.device
    order = torch.stack([torch.randperm(count, generator=each) for each in generators["order"]])
    drawn = torch.stack([torch.randint(views, (count,), generator=each) for each in generators["views"]])
    replicate = torch.arange(len(order), device=device)[:, None]
    for rows, chosen in zip(order.split(batch, dim=1), drawn.split(batch, dim=1), strict=True):
        rows, chosen = rows.to(device), chosen.to(device)
        yield features.train[replicate, rows, chosen], features.train_labels[replicate, rows]


class _Best:
    """The best values of every setting and replicate so far, on val."""

    def __init__(self, settings: int, features: EpisodeFeatures) -> None:
        self._images, self._labels = features.val, features.val_labels
        shape, device = (settings, len(features.val)), features.val.device
        self._score = (
            torch.full(shape, -math.inf, dtype=torch.float64, device=device),
            torch.full(shape, math.inf, dtype=torch.float64, device=device),
        )
        self._epoch = torch.zeros(shape, dtype=torch.int64, device=device)
        self._values: dict[str, Tensor] = {}

    @torch.no_grad()
    def look(self, values: Mapping[str, Tensor], logits: Logits, epoch: int) -> None:
        found = torch.cat([logits(values, some) for some in self._images.split(SOME, dim=1)], dim=2)
        accuracy, loss = scores(found, self._labels)
        new = better(accuracy, loss, self._score)
        self._score = accuracy.where(new, self._score[0]), loss.where(new, self._score[1])
        self._epoch = self._epoch.masked_fill(new, epoch)
        for name, value in values.items():
            taken = new.view(*new.shape, *[1] * (value.ndim - 2))
            self._values[name] = torch.where(taken, value, self._values.get(name, value))

    def chosen(self) -> Chosen:
        setting = best_of(*self._score)
        values = {name: of_each(value, setting).detach() for name, value in self._values.items()}
        return Chosen(values, setting, of_each(self._epoch, setting))
