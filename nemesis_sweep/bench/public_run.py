"""One run the public code's way, from the start of the interpreter to the test: one setting, one seed.

`python -m nemesis_sweep.bench.public_run JOB` is what people start once for every trial and seed. JOB is a
`Job` as JSON; the answer is a `Result` as JSON, the last line of the output.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nemesis_sweep.bench.public_implementation import PublicImplementation
from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.decoding.images import read_image
from nemesis_sweep.data.episodes import few_shot_episode
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.data.views import CENTRE, view
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.nemesis.selection import draw_positions
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.generators import seeded
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.load_backbone import load_backbone

INIT_STD = 0.02
TEST_BATCH = 100
"""Images of a test batch, as CoOp's configurations have it."""

Batch = tuple[Tensor, Tensor]
"""Pixels (1, B, 3, H, W) and labels (1, B)."""


@dataclass(frozen=True)
class Job:
    """What one run trains and tests. method: the fields of a `Method`; `root`: the data root."""

    backbone: str
    dataset: str
    shots: int
    seed: int
    method: Mapping[str, Any]
    root: str | None = None


@dataclass(frozen=True)
class Result:
    """accuracy: percent of the test images. Seconds of all epochs, and of the test."""

    accuracy: float
    training_seconds: float
    test_seconds: float


class PublicRun:
    """A training of one prompt, whose batches are decoded, augmented and encoded again in every step.

    Images, views, order, tested positions and the initial context are drawn from the seed by the rules of
    this package, so that a trial of a sweep trains on the same. The next batch is decoded while a step runs,
    as a loader of torch would.
    """

    pixels: Tensor
    labels: Tensor

    def __init__(self, job: Job) -> None:
        dataset = load_dataset(job.dataset, job.root)
        self.train = few_shot_episode(dataset, job.shots, job.seed).train
        self.test = dataset.test
        self.method = Method.model_validate(dict(job.method))
        self.backbone: Backbone = load_backbone(job.backbone)
        self.layout = self.backbone.layout(dataset.classnames, self.method.n_ctx)
        self.n_vectors = self.layout.n_ctx
        self.random = {
            purpose: seeded(job.seed, purpose) for purpose in ("init", "order", "views", "positions")
        }
        shape = (1, self.method.n_ctx, self.backbone.text.width)
        self.values = {"context": torch.randn(shape, generator=self.random["init"]) * INIT_STD}
        self.implementation = PublicImplementation(self)

    def fit(self) -> None:
        """Train all epochs: a random order of the images each, without the last short batch."""
        count = len(self.train)
        size = min(self.method.batch, count)
        with ThreadPoolExecutor(1) as loader:
            for epoch in range(self.method.epochs):
                self.implementation.begin(epoch)
                order = torch.randperm(count, generator=self.random["order"])
                batches = [order[start : start + size] for start in range(0, count - size + 1, size)]
                calls = [
                    partial(self._load, [self.train[row] for row in rows], self._views(epoch, size))
                    for rows in batches
                ]
                for self.pixels, self.labels in ahead(loader, calls):
                    self.implementation.step(self._positions())

    def accuracy(self) -> float:
        """Percent of the test images that are classified correctly; every batch encodes all texts again."""
        starts = range(0, len(self.test), TEST_BATCH)
        parts = [self.test[start : start + TEST_BATCH] for start in starts]
        correct = 0
        with ThreadPoolExecutor(1) as loader, torch.no_grad():
            calls = [partial(self._load, items, [CENTRE] * len(items)) for items in parts]
            for self.pixels, self.labels in ahead(loader, calls):
                correct += self.implementation.correct(0, self.implementation.logits(0))
        return 100 * correct / len(self.test)

    def _views(self, epoch: int, size: int) -> list[int]:
        """The numbers of the views under which a batch is seen."""
        if self.method.views == "epochs":
            return [epoch] * size
        views = int(self.method.views)
        drawn: list[int] = torch.randint(views, (size,), generator=self.random["views"]).tolist()
        return drawn if views > 1 else [CENTRE] * size

    def _positions(self) -> Tensor:
        """The positions (1, N) that PAN tests in a step; none under PUN alone."""
        method = self.method
        count = method.n_positions if method.beta != 1 and method.omega else 0
        return draw_positions(method.n_ctx, count, [self.random["positions"]])

    def _load(self, items: Sequence[Item], views: Sequence[int]) -> Batch:
        preprocess = self.backbone.preprocess
        seen = []
        for item, number in zip(items, views, strict=True):
            content, image = read_image(item)
            seen.append(view(image, number, hashlib.sha256(content).hexdigest(), preprocess))
        # Channels last, as they were decoded: convolutions are faster on it, here as in the feature store.
        pixels = torch.from_numpy(np.stack(seen)).permute(0, 3, 1, 2).float() / 255
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (preprocess.mean, preprocess.std))
        return ((pixels - mean) / std)[None], torch.tensor([[item.label for item in items]])


def ahead(executor: ThreadPoolExecutor, calls: Sequence[Callable[[], Batch]]) -> Iterator[Batch]:
    """What the calls return, in their order; the next is made while one is used."""
    coming: Future[Batch] | None = None
    for call in calls:
        ready, coming = coming, executor.submit(call)
        if ready is not None:
            yield ready.result()
    if coming is not None:
        yield coming.result()


def run(job: Job) -> Result:
    """Train and test."""
    training = PublicRun(job)
    started = time.perf_counter()
    training.fit()
    trained = time.perf_counter()
    accuracy = training.accuracy()
    return Result(accuracy, trained - started, time.perf_counter() - trained)


def main() -> None:
    """Answer one job. What a user can mend is said without a traceback."""
    try:
        result = run(Job(**json.loads(sys.argv[1])))
    except UserError as error:
        sys.exit(f"{error}")
    sys.stdout.write(json.dumps(asdict(result)) + "\n")


if __name__ == "__main__":
    main()
