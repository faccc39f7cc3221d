"""One row of `results.parquet`: what a trial came to on a task, or on the mean over all tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.result import Means, Replicates


@dataclass(frozen=True, kw_only=True)
class Row:
    """A trial that began, whatever became of it; None stands for what is not known.

    study, number: name of the study, and of the trial's folder in it. task: the task's name, or `mean`.
    dataset, shots, backbone, protocol: of the task; of a mean as far as its tasks have them in common.
    state: of Optuna: COMPLETE, PRUNED, FAIL, RUNNING. reason: why it did not complete. broken: the
    constraints that a complete trial breaks. front: whether no other trial of its study beats it. best:
    whether it is the best of its study (``best.mark_best``). stopped: with `budget.until`, why its study's
    search asked for no more trials (``convergence.ending``). ended: of a simulation, in simulated seconds.
    worker: the host and process that trained it to its end.
    All else is the trial's, as in ``Result``.
    """

    study: str
    number: str
    task: str | None = None
    dataset: str | None = None
    shots: int | None = None
    backbone: str | None = None
    protocol: str | None = None
    baseline: str = ""
    state: str = "COMPLETE"
    reason: str | None = None
    broken: Sequence[str] | None = None
    front: bool | None = None
    best: bool | None = None
    epochs: int | None = None
    seconds: float | None = None
    seeds: Sequence[int] | None = None
    selected_share: Sequence[Sequence[float]] | None = None
    params: Values = field(default_factory=dict)
    config: Values | None = None
    metrics: Means = field(default_factory=dict)
    replicates: Replicates = field(default_factory=dict)
    stopped: str | None = None
    ended: float | None = None
    worker: str | None = None

    @property
    def method(self) -> Values:
        """The fields of its method, as far as they are known, with what was searched."""
        return {**(self.config or {}), **self.params}

    @property
    def is_proposed(self) -> bool:
        """Whether it is a trial of the search: rows beside it have a name for a number."""
        return self.number.isdecimal()

    def measured(self, metric: str) -> float | None:
        """A metric's mean over replicates, `seconds` among them; None where it is not a finite number."""
        value = self.seconds if metric == "seconds" else self.metrics.get(metric)
        return float(value) if value is not None and math.isfinite(value) else None
