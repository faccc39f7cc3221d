"""Training in one call, without a sweep: for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.meter import Report
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.prompts.artifact import Prompt, save_prompt
from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.faults import refuse
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.translate import faults_of
from nemesis_sweep.training.episode_features import episode_features
from nemesis_sweep.training.fit import Fit, Metrics
from nemesis_sweep.vlm.backbone import Backbone, load_backbone


@dataclass(frozen=True, eq=False)
class FitResult:
    """What a training ended with.

    context: ``(R, M, D)``, or ``(R, C, M, D)`` with ``csc``, fp32, on the CPU.
    metrics: one value a replicate for each name, such as ``test/accuracy`` (percent).
    history: the metrics of every epoch. failed: numbers of replicates that met a loss that is not finite.
    """

    context: Tensor
    metrics: Metrics
    history: list[Metrics]
    failed: list[int]
    prompt: Prompt

    def mean(self, name: str) -> float:
        """Mean of a metric over the replicates."""
        return sum(self.metrics[name]) / len(self.metrics[name])

    def save(self, folder: Path | str) -> None:
        """Keep the prompts; ``load_prompt`` reads them again."""
        save_prompt(Path(folder), self.prompt)


def fit(
    backbone: Backbone | str,
    dataset: Dataset | str,
    method: Method | Mapping[str, Any] | None = None,
    *,
    root: str | Path | None = None,
    shots: int = 16,
    seeds: Sequence[int] = (1, 2, 3),
    device: str | None = None,
    on_epoch: Callable[[int, Metrics], None] | None = None,
    report: Report | None = None,
) -> FitResult:
    """Learn one prompt for each seed and measure them on val and test.

    backbone, dataset: names, or what `load_backbone`, `backbone_from_open_clip`, `load_dataset` gave.
    method: a `Method`, or its fields as a mapping; plain CoOp by default.
    root: the data root, for datasets by name that do not ship with the package.
    shots, seeds: the few-shot episodes; images are encoded once and kept in the feature cache.
    device: where to encode and train, such as "cuda"; by default where the backbone is.
    on_epoch: called after each epoch with its number, from 1, and its metrics. report: called with lines of
    progress while images are encoded.

    Raises UserError for input that cannot be used.
    """
    if shots < 1:
        raise UserError(Problem("shots must be at least 1", found=str(shots)))
    if not seeds:
        raise UserError("no seeds given: at least one replicate is needed")
    method = _method(method)
    model = load_backbone(backbone) if isinstance(backbone, str) else backbone
    model = model.to(precision=method.precision, device=device)
    data = load_dataset(dataset, root) if isinstance(dataset, str) else dataset
    views = method.epochs if method.views == "epochs" else int(method.views)
    features = episode_features(data, model, shots, seeds, views, report)
    training = Fit(model, data.classnames, method, seeds, features)
    history: list[Metrics] = []
    while not training.done:
        history.append(training.run_epoch())
        if on_epoch:
            on_epoch(training.epoch, history[-1])
    metrics = {**history[-1], **training.evaluate("val"), **training.evaluate("test")}
    context = training.trainer.context.detach().cpu()
    prompt = Prompt(
        context=context,
        backbone=model.name,
        fingerprint=model.fingerprint,
        classnames=list(data.classnames),
        class_position=method.class_position,
        seeds=list(seeds),
        method=method.model_dump(),
    )
    return FitResult(context, metrics, history, training.trainer.failed, prompt)


def _method(given: Method | Mapping[str, Any] | None) -> Method:
    if isinstance(given, Method):
        return given
    values = dict(given or {})
    try:
        return Method.model_validate(values)
    except ValidationError as error:
        refuse(faults_of(error, values, Method, ("method",)))
        raise
