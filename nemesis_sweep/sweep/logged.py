"""What MLflow is told of a trial beside its metrics by epoch: what people filter and compare runs by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import stdev
from typing import Any

from nemesis_sweep.spec.baselines import BASELINES, trains_prompt
from nemesis_sweep.spec.outside.methods import all_kinds
from nemesis_sweep.spec.owned import applies
from nemesis_sweep.spec.space import always_searched
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.result import Means, Replicates, Result

LOG_OMEGA = "log10_omega"
"""Parameter beside omega: MLflow's axes are linear, and strengths are compared by their orders."""


def varied(sweep: Sweep) -> tuple[str, ...]:
    """What differs between the trials of a sweep in any case: its tasks' values, those of the method that
    every trial draws, and those that its tables give to single tasks."""
    tasks, method = sweep.tasks, sweep.method
    several = ("dataset", "shots", "backbone")
    own = [each for table in (method.per_shots, method.per_dataset) for each in table.values()]
    given = [name for each in own for name in each.model_fields_set]
    always = always_searched(sweep.space)
    return tuple(
        dict.fromkeys(
            (
                *(name for name in several if len(getattr(tasks, name)) > 1),
                *(name for name in sweep.space if name in always),
                *given,
            )
        )
    )


def params_and_tags(
    tasks: Sequence[Task], baseline: str, searched: Values, values: Values, names: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What runs are compared by, and what all or many of them have in common.

    searched: of the trial. values: of its method, as far as they have a part in it, and its seeds. names:
    what differs between trials in any case. MLflow shows every parameter as an axis: a constant is a tag.
    """
    about = task_values(tasks)
    everything = {**about, **values}
    params = {name: everything[name] for name in names if name in everything} | dict(searched)
    if (omega := params.get("omega")) and omega > 0:
        params[LOG_OMEGA] = round(math.log10(omega), 6)
    constants = {name: value for name, value in values.items() if name not in params}
    return params, {**constants, **about, "nemesis.baseline": baseline, "state": "RUNNING"}


def task_values(tasks: Sequence[Task]) -> dict[str, str]:
    """What a trial is trained on; the values of several tasks stand side by side."""
    names: tuple[str, ...] = ("dataset", "shots", "val_shots", "backbone", "protocol")
    if any(task.logit_scale is not None for task in tasks):
        names += ("logit_scale",)
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
