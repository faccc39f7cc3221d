"""A few steps of a trial on made-up image features: what it costs, before anything is encoded or trained."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.protocols import Arrangement
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.fit import Fit
from nemesis_sweep.vlm.backbone import Backbone

STEPS = 4
"""Training steps at most in a rehearsed epoch."""

ENOUGH, MOST = 0.5, 10
"""Seconds after which a measurement is not repeated any more, and how often it is at most."""


@dataclass(frozen=True)
class Costs:
    """Seconds of a trial's parts, all replicates together: a training step, a validation, the test."""

    step: float
    validation: float
    test: float


def rehearse(backbone: Backbone, arranged: Arrangement, method: Method) -> Costs:
    """Train a few steps and evaluate, with as many classes, replicates and images as the real trial has.

    What an image shows changes neither time nor memory, so the features are random directions.
    Raises ``UserError`` for settings that the trial itself would refuse.
    """
    seeds = [episode.seed for episode in arranged.episodes]
    # How many views there are to draw from costs nothing; one of them is in a batch.
    method = method.model_copy(update={"views": 1})
    features = _made_up(arranged, backbone, STEPS * method.batch)
    fit = Fit(backbone, arranged.source.classnames, method, seeds, features)
    steps = max(1, features.train.shape[1] // method.batch)
    fit.run_epoch()  # The first one also finds memory and chooses kernels.
    epoch = _seconds(fit.run_epoch)
    validation = _seconds(lambda: fit.evaluate("val")) if features.val.shape[1] else 0.0
    test = _seconds(lambda: fit.evaluate("test"))
    test += sum(_test_seconds(fit, target, backbone) for target in arranged.targets.values())
    return Costs(epoch / steps, validation, test)


def _test_seconds(fit: Fit, target: Dataset, backbone: Backbone) -> float:
    """Seconds of the test on other classes or other images."""
    images, labels = _directions(len(target.test), backbone), _labels(len(target.test))
    return _seconds(lambda: evaluate(images, labels, fit.classifier(target)))


def _made_up(arranged: Arrangement, backbone: Backbone, most: int) -> EpisodeFeatures:
    """Features of the episodes' shapes, at most ``most`` training images."""
    episodes, classes = arranged.episodes, len(arranged.source.classnames)
    replicates, train = len(episodes), min(most, len(episodes[0].train))
    val, test = len(episodes[0].val), len(arranged.source.test)
    return EpisodeFeatures(
        train=_directions(replicates * train, backbone).view(replicates, train, 1, -1),
        train_labels=_labels(replicates * train, classes).view(replicates, train),
        val=_directions(replicates * val, backbone).view(replicates, val, -1),
        val_labels=_labels(replicates * val, classes).view(replicates, val),
        test=_directions(test, backbone),
        test_labels=_labels(test, classes),
        episodes=arranged.episodes,
    )


def _directions(count: int, backbone: Backbone) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    return F.normalize(torch.randn(count, backbone.embed_dim, generator=generator), dim=-1)


def _labels(count: int, classes: int = 1) -> Tensor:
    return torch.arange(count) % classes


def _seconds(work: Callable[[], object]) -> float:
    """Seconds of the work: the median of as many turns as half a second has room for."""
    turns: list[float] = []
    while not turns or (sum(turns) < ENOUGH and len(turns) < MOST):
        started = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        turns.append(time.perf_counter() - started)
    return sorted(turns)[len(turns) // 2]
