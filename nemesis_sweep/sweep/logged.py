"""What MLflow is told of a trial beside its metrics by epoch: what people filter and compare runs by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import stdev

from nemesis_sweep.spec.baselines import BASELINES, trains_prompt
from nemesis_sweep.spec.outside.methods import all_kinds
from nemesis_sweep.spec.owned import applies
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.result import Means, Replicates, Result


def trial_tags(tasks: Sequence[Task], baseline: str) -> dict[str, str]:
    """What a person filters runs by."""
    return {**task_values(tasks), "nemesis.baseline": baseline}


def task_values(tasks: Sequence[Task]) -> dict[str, str]:
    """What a trial is trained on; the values of several tasks stand side by side."""
    names = ("dataset", "shots", "val_shots", "backbone", "protocol")
    return {name: ", ".join(dict.fromkeys(str(getattr(task, name)) for task in tasks)) for name in names}


def applying(baseline: str, method: Values) -> Values:
    """The fields of a method that have a part in a row: those of its kind, if it trains a prompt at all."""
    if not trains_prompt(baseline):
        names = BASELINES[baseline].fields
    else:
        kinds = all_kinds(str(method.get("prompt", "coop")))
        names = tuple(name for name in method if applies(name, method, kinds))
    return {name: value for name, value in method.items() if name in names}


def final_metrics(result: Result) -> Means:
    """The metrics of a trial's end, of one task with their spread over the replicates."""
    return {**result.metrics, **(spread(result.replicates) if result.task else {}), "seconds": result.seconds}


def spread(replicates: Replicates) -> dict[str, float]:
    """The standard deviation over replicates of the accuracies at the end, as `val/accuracy_std`; of those
    that all replicates have, for one that failed has NaN."""
    several = {
        name: values
        for name, values in replicates.items()
        if len(values) > 1 and all(map(math.isfinite, values))
    }
    return {f"{name}_std": stdev(values) for name, values in several.items() if name.endswith("/accuracy")}
