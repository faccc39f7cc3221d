"""Training in one call, without a sweep: for notebooks and scripts."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.episodes import Episode, incomplete_classes
from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.data.registry import SHIPPED
from nemesis_sweep.data.selection import too_few
from nemesis_sweep.data.twins import told, twins_of
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.messages.printable import printable
from nemesis_sweep.prompts.artifact import Prompt, save_prompt
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.outside.methods import method_class
from nemesis_sweep.spec.tasks import PUBLISHED, ValShots
from nemesis_sweep.training.arguments import (
    checked_method,
    checked_seeds,
    checked_shots,
    checked_val_shots,
    found_backbone,
    found_dataset,
)
from nemesis_sweep.training.episode_features import episode_features
from nemesis_sweep.training.training_run import Metrics, TrainingRun, mean_of
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.devices import find_device


@dataclass(frozen=True, eq=False)
class FitResult:
    """What a training ended with.

    metrics: one value a replicate for each name, such as ``test/accuracy`` (percent).
    history: the metrics of every epoch. failed: numbers of replicates that met a loss that is not finite.
    dataset, shots: what it was trained on. prompt: what :meth:`save` keeps.
    """

    metrics: Metrics
    history: list[Metrics]
    failed: list[int]
    prompt: Prompt
    dataset: str
    shots: int

    @property
    def context(self) -> Tensor:
        """The context vectors, such as ``(R, M, D)``, fp32, on the CPU."""
        return self.prompt.context

    def mean(self, name: str) -> float:
        """Mean of a metric over the replicates. Raises ``UserError`` for a name that was not measured."""
        return mean_of(self.metrics, name)

    def save(self, folder: Path | str) -> None:
        """Keep the prompts in place of earlier ones in this folder; ``load_prompt`` reads them again."""
        save_prompt(Path(folder), self.prompt)

    def __repr__(self) -> str:
        """Three lines: what was trained on, with what, and what came of it."""
        seeds = [str(seed) for seed in self.prompt.seeds]
        failed = f", {len(self.failed)} of them failed" if self.failed else ""
        return (
            f"FitResult({self.dataset}, {counted(self.shots, 'shot')}, {self.prompt.backbone}, "
            f"{'seed' if len(seeds) == 1 else 'seeds'} {listed(seeds)}{failed}\n"
            f"  method: {_told(self.prompt.method)}\n"
            f"  test/accuracy: {self.mean('test/accuracy'):.2f}, the mean over the seeds)"
        )


def fit(
    backbone: Backbone | str | Path,
    dataset: Dataset | str | Path,
    method: Method | Mapping[str, Any] | None = None,
    *,
    root: str | Path | None = None,
    shots: int = 16,
    seeds: Iterable[int] = (1, 2, 3),
    val_shots: ValShots = PUBLISHED,
    device: torch.device | str | None = None,
    on_epoch: Callable[[int, Metrics], None] | None = None,
    report: SayLine | None = None,
) -> FitResult:
    """Learn one prompt for each seed and measure them on val and test.

    backbone, dataset: names, paths, or what `load_backbone`, `backbone_from_open_clip`, `load_dataset` gave.
    method: a `Method`, or its fields as a mapping; plain CoOp by default.
    root: the data root, for datasets by name that do not ship with the package.
    shots, seeds, val_shots: the few-shot episodes, as in a sweep file; images are encoded once and kept in
    the feature cache.
    device: where to encode and train, such as "cuda"; by default where the backbone is.
    on_epoch: called after each epoch with its number, from 1, and its metrics. report: called with lines of
    progress while images are encoded, and where an epoch or testing takes long.

    Raises UserError, before anything is encoded, for an argument that cannot be used. Warns of what a person
    should know of the data: files that were left out, classes with too few images, images in train and test.
    """
    shots = checked_shots(shots)
    distinct = checked_seeds(seeds)
    val_shots = checked_val_shots(val_shots)
    chosen = checked_method(method)
    place = None if device is None else find_device(device)
    data = found_dataset(dataset, root)
    model = found_backbone(backbone).to(precision=chosen.precision, device=place)
    views = chosen.epochs if chosen.views == "epochs" else int(chosen.views)
    features = episode_features(data, model, shots, distinct, views, report, val_shots, chosen.reads)
    for line in _worth_knowing(data, features.episodes):
        warnings.warn(line, stacklevel=2)
    training = TrainingRun(model, data.classnames, chosen, distinct, features, data.template)
    history: list[Metrics] = []
    while not training.done:
        history.append(training.run_epoch(report))
        if training.trainer.steered is not None and not training.done:
            training.evaluate("val", report)
        if on_epoch:
            on_epoch(training.epoch, history[-1])
    metrics = {**history[-1], **training.evaluate("val", report), **training.evaluate("test", report)}
    return FitResult(metrics, history, training.trainer.failed, training.prompt(), data.name, shots)


def _worth_knowing(data: Dataset, episodes: Sequence[Episode]) -> Iterator[str]:
    """What a run of a sweep says of its data, a line each."""
    yield from (printable(f"{data.name}: {note}") for note in data.notes)
    yield from too_few(data.name, incomplete_classes(data, episodes[0]))
    if data.split != SHIPPED:
        learnt = [item for episode in episodes for item in (*episode.train, *episode.val)]
        yield from (
            printable(f"{data.name}: {line}") for line in told(twins_of(learnt, data.test, data.local))
        )


def _told(method: Mapping[str, object]) -> str:
    """The fields of a method that are not CoOp's."""
    defaults = {name: field.default for name, field in method_class(method).model_fields.items()}
    own = [f"{name} {value}" for name, value in method.items() if value != defaults.get(name)]
    return ", ".join(own) or "plain CoOp"
