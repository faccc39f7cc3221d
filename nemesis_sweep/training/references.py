"""Rows that train no prompt: what each gives, and where its measure is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.training_run import Metrics
from nemesis_sweep.vlm.backbone import Backbone


@dataclass(frozen=True)
class Measured:
    """What a row that trains no prompt gives.

    metrics: a value for every replicate, accuracy and loss on val and test among them. classifier_of: what
    classifies with the class names of another dataset; None for a row that does not transfer.
    """

    metrics: Metrics
    classifier_of: Callable[[Dataset], ImageClassifier] | None = None


Measure = Callable[[Backbone, Dataset, EpisodeFeatures], Measured]
"""Measures a row on the episodes of a task: backbone in its precision, the classes, their features."""


def measure_of(baseline: str) -> Measure:
    """What measures a baseline that trains no prompt."""
    found: Measure = part_at(BASELINES[baseline].measure)
    return found
