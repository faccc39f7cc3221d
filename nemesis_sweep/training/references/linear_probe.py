"""A linear probe: logistic regression on the image features of the few shots, without any text.

The usual upper reference beside prompts (Radford et al., 2021): features of centre crops, L-BFGS, and C, the
inverse of the L2 penalty, chosen on the validation images: first powers of 100 from 1e-6 to 1e6, then around
the best of them in steps of 10, 10^0.5 and 10^0.25. Of equally good values the smallest is kept.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.values import Values
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.references.measured import NOTHING, Measured
from nemesis_sweep.training.references.reference import ReferenceClassifier
from nemesis_sweep.training.training_run import Metrics
from nemesis_sweep.vlm.backbone import Backbone

COARSE = (-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0)
FINE = (1.0, 0.5, 0.25)
MAX_STEPS = 1000
SMALLEST = 1e-12
"""Probability of a class that no training image has, so that the loss stays finite."""

Split = tuple[np.ndarray, np.ndarray]
"""Features ``(n, E)`` and labels ``(n,)``."""


class LinearProbe(ReferenceClassifier):
    """weight ``(R, C, E)`` and bias ``(R, C)``; a class that no training image has is never likely."""

    axes: ClassVar[Mapping[str, str]] = {"weight": "CE", "bias": "C"}

    def logits(self, images: Tensor) -> Tensor:
        return images @ self.values["weight"].transpose(-1, -2) + self.values["bias"][:, None]


def linear_probe(
    backbone: Backbone, dataset: Dataset, features: EpisodeFeatures, given: Values = NOTHING
) -> Measured:
    """The row `linear_probe`: what is learnt are the classes themselves, so it has no others.

    given: `probe_c`, or nothing.
    """
    exponent = math.log10(given["probe_c"]) if "probe_c" in given else None
    metrics, probes, predicted = fitted_probes(features, exponent)
    parts = [_parts(probe, len(dataset.classnames)) for probe in probes]
    weight, bias = (torch.stack(each) for each in zip(*parts, strict=True))
    return Measured(metrics, values={"weight": weight, "bias": bias}, predicted=predicted)


def fitted_probes(
    features: EpisodeFeatures, exponent: float | None = None
) -> tuple[Metrics, list[Any], Tensor]:
    """Accuracy and loss on val and test, the C that was chosen, and the probe, of every replicate; and the
    classes of the test images ``(R, t)``.

    exponent: log10 of C, where that is given. Every view of a training image is a sample. Raises UserError
    for fewer than two classes.
    """
    # Imported late: only a sweep that asks for this baseline pays for it. Before the threads are counted: a
    # library that is loaded afterwards has its own number.
    from sklearn.linear_model import LogisticRegression  # noqa: F401
    from threadpoolctl import threadpool_limits

    metrics: Metrics = {}
    probes, predicted = [], []
    test = (features.test.numpy(), features.test_labels.numpy())
    # BLAS would take every core beside the trials that train there, and ten times as long for it.
    with threadpool_limits(limits=torch.get_num_threads()):
        for replicate in range(len(features.episodes)):
            train = _samples(features, replicate)
            val = (features.val[replicate].numpy(), features.val_labels[replicate].numpy())
            measured, probe, classes = _fitted(train, val, test, exponent)
            probes.append(probe)
            predicted.append(torch.from_numpy(classes))
            for name, value in measured.items():
                metrics.setdefault(name, []).append(value)
    return metrics, probes, torch.stack(predicted)


def _parts(probe: Any, classes: int) -> tuple[Tensor, Tensor]:
    """Weight ``(C, E)`` and bias ``(C,)``, fp32; scikit-learn has one row for two classes."""
    rows, offsets = torch.from_numpy(probe.coef_).float(), torch.from_numpy(probe.intercept_).float()
    if len(probe.classes_) == 2:
        rows, offsets = (torch.cat([torch.zeros_like(each), each]) for each in (rows, offsets))
    weight, bias = torch.zeros(classes, rows.shape[1]), torch.full((classes,), -math.inf)
    known = torch.from_numpy(probe.classes_)
    weight[known], bias[known] = rows, offsets
    return weight, bias


def _samples(features: EpisodeFeatures, replicate: int) -> Split:
    views = features.train[replicate]
    labels = features.train_labels[replicate].repeat_interleave(views.shape[1])
    if len(labels.unique()) < 2:
        raise UserError(Problem("a linear probe needs images of at least two classes", found="one"))
    return views.flatten(0, 1).numpy(), labels.numpy()


def _fitted(
    train: Split, val: Split, test: Split, given: float | None
) -> tuple[dict[str, float], Any, np.ndarray]:
    """The probe whose C does best on val, or that of the C that is given: its metrics, it, and the classes
    ``(t,)`` that it gives the test images."""
    tried: dict[float, tuple[float, float]] = {}
    probes: dict[float, Any] = {}

    def measure(exponents: Sequence[float]) -> float:
        for exponent in exponents:
            if exponent not in tried:
                probes[exponent] = _probe(10.0**exponent, train)
                tried[exponent] = _scores(probes[exponent], *val)[:2]
        return min(tried, key=lambda exponent: (-tried[exponent][0], exponent))

    best = measure(COARSE if given is None else [given])
    for step in FINE if given is None else ():
        best = measure([best - step, best + step])
    names = ("val/accuracy", "val/loss", "test/accuracy", "test/loss")
    *on_test, predicted = _scores(probes[best], *test)
    metrics = dict(zip(names, (*tried[best], *on_test), strict=True))
    return {**metrics, "linear_probe/log10_C": best}, probes[best], predicted


def _probe(strength: float, train: Split) -> Any:
    """The probe with C = strength."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    probe = LogisticRegression(C=strength, max_iter=MAX_STEPS)
    with warnings.catch_warnings():
        # With hardly any penalty it may stop before the end; validation decides whether it is any good.
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(*train)
    return probe


def _scores(probe: Any, images: np.ndarray, labels: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Accuracy (percent), loss, and the classes that it gives the images."""
    known: np.ndarray = probe.classes_
    predicted: np.ndarray = probe.predict_proba(images)
    found: np.ndarray = known[predicted.argmax(axis=1)]
    accuracy = 100 * float((found == labels).mean())
    columns = np.searchsorted(known, labels).clip(max=len(known) - 1)
    right = np.where(known[columns] == labels, predicted[np.arange(len(labels)), columns], 0.0)
    return accuracy, float(-np.log(right.clip(min=SMALLEST)).mean()), found
