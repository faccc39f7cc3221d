"""A few steps of a trial on made-up image features: what it costs, before anything is encoded or trained."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.protocols import ProtocolSplit
from nemesis_sweep.spec.corrupt import Corrupt
from nemesis_sweep.spec.kinds import given_strengths, is_row
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.reads import POOLED, number_bytes
from nemesis_sweep.training.corruption import corrupt
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.references.measured import measure
from nemesis_sweep.training.resident import bytes_there
from nemesis_sweep.training.training_run import TrainingRun
from nemesis_sweep.vlm.backbone import Backbone

STEPS = 4
"""Training steps at most in the epoch of a dry run."""

ENOUGH, MOST = 0.5, 10
"""Seconds after which a measurement is not repeated any more, and how often it is at most."""


SOME, QUICK = 16, 10.0
"""Images on which an evaluation is measured first, and seconds that a whole one may take to be measured."""

PLACES = 2
"""Positions of a prompt that are corrupted to see how long all take."""

LARGE = 2**26
"""Numbers that made-up features of parts, tokens or pixels may have."""


@dataclass(frozen=True)
class Costs:
    """Seconds of a trial's parts, all replicates together: a training step, a validation, the test.

    whole: of a trial that trains no prompt, from beginning to end. corruption: of a prompt at its end, where
    the sweep asks for it. held: bytes of image features that the
    trial has in memory and the dry run has not.
    """

    step: float
    validation: float
    test: float
    whole: float = 0.0
    held: int = 0
    corruption: float = 0.0


def dry_run(
    backbone: Backbone, arranged: ProtocolSplit, method: Method, corrupted: Corrupt | None = None
) -> Costs:
    """Train a few steps and evaluate, with as many classes, replicates and images as the real trial has.

    What an image shows changes neither time nor memory, so the features are random directions.
    corrupted: what is done with its prompt at the end. Raises ``UserError`` for settings that the trial
    itself would refuse.
    """
    if is_row(method.prompt):
        return Costs(0.0, 0.0, 0.0, _row_seconds(backbone, arranged, method))
    seeds = [episode.seed for episode in arranged.episodes]
    shape = backbone.image_shape(method.reads)
    # Held to the end, for the features themselves are fewer: of one view, and of a few batches.
    held = _room_of_features(backbone.text.device, arranged, method, shape)
    views = method.epochs if method.views == "epochs" else int(method.views)
    # How many views there are to draw from costs no time; one of them is in a batch.
    method = method.model_copy(update={"views": 1})
    features = _made_up(arranged, shape, STEPS * method.batch)
    fit = TrainingRun(backbone, arranged.source.classnames, method, seeds, features, arranged.source.template)
    steps = max(1, features.train.shape[1] // method.batch)
    fit.run_epoch()  # The first one also finds memory and chooses kernels.
    epoch = _seconds(fit.run_epoch)
    validation = _evaluation(fit, arranged.source, features.val.shape[1])
    tested = (arranged.source, *arranged.targets.values())
    test = sum(_evaluation(fit, data, len(data.test)) for data in tested)
    corruption = 0.0 if corrupted is None else _corruption(fit, corrupted, arranged)
    del held
    room = _left_out(arranged, views, shape, method)
    return Costs(epoch / steps, validation, test, held=room, corruption=corruption)


def _row_seconds(backbone: Backbone, arranged: ProtocolSplit, method: Method) -> float:
    """Seconds of a row that is fitted at once, on as many views of as many images as it will have."""
    views = method.epochs if method.views == "epochs" else int(method.views)
    features = _made_up(arranged, backbone.image_shape(), len(arranged.episodes[0].train), views)
    given = given_strengths(method.model_dump())
    started = time.perf_counter()
    measure(method.prompt, backbone, arranged.source, features, given)
    return time.perf_counter() - started


def _room_of_features(
    device: torch.device, arranged: ProtocolSplit, method: Method, shape: tuple[int, ...]
) -> Tensor:
    """As many bytes on a GPU as the trial's own features will take there."""
    views = method.epochs if method.views == "epochs" else int(method.views)
    images = sum(len(episode.train) * views + len(episode.val) for episode in arranged.episodes)
    bytes_wanted = 0 if device.type == "cpu" else bytes_there(images, shape, number_bytes(method.reads))
    return torch.empty(bytes_wanted, dtype=torch.uint8, device=device)


def _left_out(arranged: ProtocolSplit, views: int, shape: tuple[int, ...], method: Method) -> int:
    """Bytes of the features of all images, where they are too many to be made up one by one."""
    tested = (arranged.source, *arranged.targets.values())
    images = sum(len(episode.train) * views + len(episode.val) for episode in arranged.episodes)
    numbers = (images + sum(len(data.test) for data in tested)) * prod(shape)
    return number_bytes(method.reads) * numbers if len(shape) > 1 and numbers > LARGE else 0


def _corruption(fit: TrainingRun, asked: Corrupt, arranged: ProtocolSplit) -> float:
    """Seconds of the whole grid, from a few positions on a few of the images."""
    learner = fit.trainer.learner
    every = asked.positions or range(1, learner.n_vectors + 1)
    seeds = [episode.seed for episode in arranged.episodes]
    counts = {"val": fit.features.val.shape[1], "test": len(arranged.source.test)}
    images = sum(counts[split] for split in asked.on)
    few = min(images, SOME if learner.reads != POOLED else images)

    def grid() -> None:
        features, labels = _directions(few, learner.image_shape), _labels(few, len(learner.classnames))
        for operation, strengths in asked.operations.items():
            corrupt(learner, seeds, features, labels, operation, strengths, every[:PLACES])

    return _seconds(grid) * (images / few) * (len(every) / min(PLACES, len(every)))


def _evaluation(fit: TrainingRun, data: Dataset, count: int) -> float:
    """Seconds of the evaluation on so many images, with the class names of a dataset.

    Measured on some of them, on a GPU on as many as go at once, whose memory counts; on all where that is
    quick: prompts that depend on the image, and those in its tower, cost as much for every image as others
    do for all of them.
    """

    def seconds(images: int) -> float:
        features, labels = _directions(images, fit.trainer.learner.image_shape), _labels(images)
        return _seconds(lambda: evaluate(features, labels, fit.classifier(data)))

    few = min(count, SOME if fit.trainer.device.type == "cpu" else max(SOME, fit.classifier(data).chunk))
    if not few:
        return 0.0
    first = seconds(few)
    if first * count <= QUICK * few:
        return first if few == count else seconds(count)
    each = max(0.0, (seconds(2 * few) - first) / few)
    return first + each * (count - few)


def _made_up(arranged: ProtocolSplit, shape: tuple[int, ...], most: int, views: int = 1) -> EpisodeFeatures:
    """Features of the episodes' shapes, at most ``most`` training images."""
    episodes, classes = arranged.episodes, len(arranged.source.classnames)
    replicates, train = len(episodes), min(most, len(episodes[0].train))
    val, test = len(episodes[0].val), len(arranged.source.test)
    return EpisodeFeatures(
        train=_directions(replicates * train * views, shape).unflatten(0, (replicates, train, views)),
        train_labels=_labels(replicates * train, classes).view(replicates, train),
        val=_directions(replicates * val, shape).unflatten(0, (replicates, val)),
        val_labels=_labels(replicates * val, classes).view(replicates, val),
        test=_directions(test, shape),
        test_labels=_labels(test, classes),
        episodes=arranged.episodes,
    )


def _directions(count: int, shape: tuple[int, ...]) -> Tensor:
    """Random ones; above a size the same for all, which takes no room and costs who reads it as much."""
    generator = torch.Generator().manual_seed(count)
    different = count if len(shape) == 1 or count * prod(shape) <= LARGE else min(count, 1)
    drawn = F.normalize(torch.randn(different, *shape, generator=generator), dim=-1)
    return drawn.expand(count, *shape)


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
