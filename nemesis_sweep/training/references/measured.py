"""Rows that train no prompt: what each gives, and where its measure is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.spec.values import Values
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.training_run import Metrics
from nemesis_sweep.vlm.backbone import Backbone

NOTHING: Values = MappingProxyType({})
"""No strength is given: all of them are chosen on validation."""

ClassifierOf = Callable[[Dataset], ImageClassifier]
"""What classifies with the class names of a dataset."""


@dataclass(frozen=True)
class Measured:
    """What a row that trains no prompt gives.

    metrics: a value for every replicate, accuracy and loss on val and test among them. classifier_of: what
    classifies with the class names of another dataset; None for a row that does not transfer. values: what it
    has learnt, tensors ``(R, ...)`` by name, of which ``BASELINES[...].classifier`` makes a classifier again;
    empty for a row that learns nothing. predicted: the class of every test image, ``(R, t)``, where it is
    told.
    """

    metrics: Metrics
    classifier_of: ClassifierOf | None = None
    values: Mapping[str, Tensor] = field(default_factory=dict)
    predicted: Tensor | None = None


Measure = Callable[..., Measured]
"""Measures a row on the episodes of a task: backbone in its precision, the classes, their features. One with
fields of its own (``spec.kinds``) also takes those of its strengths that are given, by name."""


def measure_of(baseline: str) -> Measure:
    """What measures a baseline that trains no prompt."""
    found: Measure = part_at(BASELINES[baseline].measure)
    return found


def measure(
    baseline: str, backbone: Backbone, dataset: Dataset, features: EpisodeFeatures, given: Values = NOTHING
) -> Measured:
    """What a row that trains no prompt comes to. given: its strengths that validation has no part in.

    Raises ``UserError`` where it learns from image features and an image has several.
    """
    if BASELINES[baseline].classifier:
        backbone.refuse_queries(baseline)
    return measure_of(baseline)(backbone, dataset, features, *([given] if given else []))


@torch.no_grad()
def measured(
    classifier: ImageClassifier,
    features: EpisodeFeatures,
    values: Mapping[str, Tensor] = MappingProxyType({}),
    chosen: Mapping[str, Tensor] = MappingProxyType({}),
    classifier_of: ClassifierOf | None = None,
) -> Measured:
    """What a classifier comes to on val (each replicate has its own) and on test (the same for all).

    chosen: settings that validation chose, ``(R,)`` each, which are told as metrics. The rest as in
    ``Measured``.
    """
    predicted: list[Tensor] = []
    accuracy, loss = evaluate(features.val, features.val_labels, classifier)
    metrics = {"val/accuracy": accuracy.tolist(), "val/loss": loss.tolist()}
    accuracy, loss = evaluate(features.test, features.test_labels, classifier, keep=predicted.append)
    metrics |= {"test/accuracy": accuracy.tolist(), "test/loss": loss.tolist()}
    metrics |= {name: each.double().tolist() for name, each in chosen.items()}
    return Measured(metrics, classifier_of, values, *predicted)


def offered(given: Values, name: str, grid: tuple[float, ...]) -> tuple[float, ...]:
    """What there is to choose from: the value that is given, or else a grid."""
    return (float(given[name]),) if name in given else grid
