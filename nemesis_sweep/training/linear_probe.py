"""A linear probe: logistic regression on the image features of the few shots, without any text.

The usual upper reference beside prompts (Radford et al., 2021): features of centre crops, L-BFGS, and C, the
inverse of the L2 penalty, chosen on the validation images: first powers of 100 from 1e-6 to 1e6, then around
the best of them in steps of 10, 10^0.5 and 10^0.25. Of equally good values the smallest is kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.references import Measured
from nemesis_sweep.training.training_run import Metrics
from nemesis_sweep.vlm.backbone import Backbone

COARSE = (-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0)
FINE = (1.0, 0.5, 0.25)
MAX_STEPS = 1000
SMALLEST = 1e-12
"""Probability of a class that no training image has, so that the loss stays finite."""

Split = tuple[np.ndarray, np.ndarray]
"""Features ``(n, E)`` and labels ``(n,)``."""


def linear_probe(backbone: Backbone, dataset: Dataset, features: EpisodeFeatures) -> Measured:
    """The row `linear_probe`: what is learnt are the classes themselves, so it has no others."""
    return Measured(linear_probe_metrics(features))


def linear_probe_metrics(features: EpisodeFeatures) -> Metrics:
    """Accuracy and loss on val and test, and the C that was chosen, of every replicate.

    Every view of a training image is a sample. Raises UserError for fewer than two classes.
    """
    # Imported late: only a sweep that asks for this baseline pays for it. Before the threads are counted: a
    # library that is loaded afterwards has its own number.
    from sklearn.linear_model import LogisticRegression  # noqa: F401
    from threadpoolctl import threadpool_limits

    metrics: Metrics = {}
    test = (features.test.numpy(), features.test_labels.numpy())
    # BLAS would take every core beside the trials that train there, and ten times as long for it.
    with threadpool_limits(limits=torch.get_num_threads()):
        for replicate in range(len(features.episodes)):
            train = _samples(features, replicate)
            val = (features.val[replicate].numpy(), features.val_labels[replicate].numpy())
            for name, value in _fitted(train, val, test).items():
                metrics.setdefault(name, []).append(value)
    return metrics


def _samples(features: EpisodeFeatures, replicate: int) -> Split:
    views = features.train[replicate]
    labels = features.train_labels[replicate].repeat_interleave(views.shape[1])
    if len(labels.unique()) < 2:
        raise UserError(Problem("a linear probe needs images of at least two classes", found="one"))
    return views.flatten(0, 1).numpy(), labels.numpy()


def _fitted(train: Split, val: Split, test: Split) -> dict[str, float]:
    """Metrics of the probe whose C does best on val."""
    tried: dict[float, tuple[float, float, float, float]] = {}

    def measure(exponents: Sequence[float]) -> float:
        for exponent in exponents:
            if exponent not in tried:
                tried[exponent] = _measured(10.0**exponent, train, val, test)
        return min(tried, key=lambda exponent: (-tried[exponent][0], exponent))

    best = measure(COARSE)
    for step in FINE:
        best = measure([best - step, best + step])
    names = ("val/accuracy", "val/loss", "test/accuracy", "test/loss")
    return {**dict(zip(names, tried[best], strict=True)), "linear_probe/log10_C": best}


def _measured(strength: float, train: Split, val: Split, test: Split) -> tuple[float, float, float, float]:
    """Accuracy (percent) and loss on val, then on test, of the probe with C = strength."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    probe = LogisticRegression(C=strength, max_iter=MAX_STEPS)
    with warnings.catch_warnings():
        # With hardly any penalty it may stop before the end; validation decides whether it is any good.
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(*train)
    return (*_scores(probe, *val), *_scores(probe, *test))


def _scores(probe: Any, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    known: np.ndarray = probe.classes_
    predicted: np.ndarray = probe.predict_proba(images)
    accuracy = 100 * float((known[predicted.argmax(axis=1)] == labels).mean())
    columns = np.searchsorted(known, labels).clip(max=len(known) - 1)
    right = np.where(known[columns] == labels, predicted[np.arange(len(labels)), columns], 0.0)
    return accuracy, float(-np.log(right.clip(min=SMALLEST)).mean())
