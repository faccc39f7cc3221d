"""Accuracy on test sets with other classes or other images than those that were learnt."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.spec.choices import PROTOCOLS
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.training.evaluation import evaluate
from nemesis_sweep.training.training_run import Metrics


@dataclass(frozen=True)
class Target:
    """A test set: its class names and template, image features ``(t, ...)`` and labels ``(t,)``."""

    dataset: Dataset
    images: Tensor
    labels: Tensor


H = "test/H"
Summary = Callable[[float, Sequence[float]], float]
"""What `test/accuracy` is, of the learnt classes' own accuracy and those on the other test sets."""


def harmonic(own: float, others: Sequence[float]) -> float:
    """H = 2bn / (b + n) of the accuracies on base and new classes (CoCoOp, section 4.1)."""
    (new,) = others
    return 2 * own * new / (own + new) if own + new else 0.0


def of_means(means: Mapping[str, float]) -> dict[str, float]:
    """`test/H`: the harmonic mean of the mean accuracies on base and new classes, as papers report it.

    means: over replicates, or over tasks. `test/accuracy` is the mean of each replicate's own harmonic mean,
    which intervals need; it is never above this one. Empty for other protocols.
    """
    if not {"test/base", "test/new"} <= set(means):
        return {}
    return {H: harmonic(means["test/base"], [means["test/new"]])}


def average(own: float, others: Sequence[float]) -> float:
    """The mean over the targets; what the source gives is told beside it."""
    return sum(others) / len(others)


def own_accuracy(protocol: str) -> str:
    """What the accuracy on the test images of the learnt classes is called: `test/accuracy`, `test/base`."""
    return f"test/{PROTOCOLS[protocol].learnt or 'accuracy'}"


def transfer_metrics(
    protocol: str,
    own: Metrics,
    targets: Mapping[str, Target],
    classifier_of: Callable[[Dataset], ImageClassifier],
    report: SayLine | None = None,
    keep: Callable[[str, Tensor], None] | None = None,
) -> Metrics:
    """What replaces and joins the metrics ``own`` of the source's test split; empty without targets.

    classifier_of: what classifies with a dataset's class names. Gives `test/NAME` for the source and
    every target, `test/accuracy` as the protocol sums them up, and `test/loss`, the mean over all test sets.
    A replicate that failed (NaN) stays so. keep: given what was predicted on every target, by the name of
    its accuracy.
    """
    entry = PROTOCOLS[protocol]
    if not entry.learnt:
        return {}
    summary: Summary = part_at(entry.summary)
    accuracies, losses = [own["test/accuracy"]], [own["test/loss"]]
    for name, target in targets.items():
        classifier = classifier_of(target.dataset)
        own_keep = partial(keep, f"test/{name}") if keep else None
        accuracy, loss = evaluate(target.images, target.labels, classifier, report, own_keep)
        accuracies.append(_where_alive(accuracy.tolist(), own["test/accuracy"]))
        losses.append(_where_alive(loss.tolist(), own["test/accuracy"]))
    replicates = list(zip(*accuracies, strict=True))
    return {
        **dict(zip((f"test/{n}" for n in (entry.learnt, *targets)), accuracies, strict=True)),
        "test/accuracy": [summary(source, others) for source, *others in replicates],
        "test/loss": [sum(each) / len(each) for each in zip(*losses, strict=True)],
    }


def _where_alive(values: list[float], own: list[float]) -> list[float]:
    return [math.nan if math.isnan(o) else value for value, o in zip(values, own, strict=True)]
