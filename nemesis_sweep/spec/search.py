"""The `search` section: how trials are proposed, judged and stopped early."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from nemesis_sweep.spec.fields import Count, Distinct, OneOrMany, Section, Seed
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.names import PrunerName, SamplerName
from nemesis_sweep.spec.space import check_value

Metric = Literal["val/accuracy", "val/loss", "test/accuracy", "test/loss", "norm/mean"]
Baseline = Literal["zero_shot", "zero_shot_ensemble", "linear_probe", "coop", "paper"]
PROMPTLESS = ("zero_shot", "zero_shot_ensemble", "linear_probe")
"""Baselines that train no prompt: in tables when asked for, but never what a sweep found."""

Direction = Literal["maximize", "minimize"]


def direction(metric: str) -> Direction:
    """Return Optuna's name for what is better: more accuracy, less of everything else."""
    return "maximize" if metric.endswith("accuracy") else "minimize"


def _held(name: str, value: Any) -> Any:
    held, faults = check_value(name, value, (), None) if name in Method.model_fields else (value, [])
    return value if faults else held


class Search(Section):
    """The sampler proposes, the objective judges, the pruner stops.

    sampler_options, pruner_options: arguments of the Optuna class behind the name.
    objective: metrics that the study optimises. study: one study per task, or a joint one whose trials train
    every task and are judged by the mean over the tasks.
    seed: of the samplers; every study derives its own from it.
    eval_every: epochs between two measurements on the validation set; each is reported to the pruner.
    points: values of searched dimensions to try first; the sampler draws those that are left out.
    baselines: rows that every study holds before its first proposal; `zero_shot_ensemble` (several templates)
    and `linear_probe` (logistic regression on the same images' features) only when they are asked for.
    """

    sampler: SamplerName = "tpe"
    sampler_options: dict[str, Any] = Field(default_factory=dict)
    pruner: PrunerName = "hyperband"
    pruner_options: dict[str, Any] = Field(default_factory=dict)
    objective: OneOrMany[Metric] = Field(default=["val/accuracy"])
    study: Literal["per_task", "joint"] = "per_task"
    seed: Seed = 0
    eval_every: Count = 5
    points: list[dict[str, Any]] = Field(default_factory=list)
    baselines: Distinct[Baseline] = Field(default=["zero_shot", "coop", "paper"])

    @field_validator("points")
    @classmethod
    def _as_the_method_holds_them(cls, points: list[dict[str, Any]]) -> list[dict[str, Any]]:
        # `norm: 2` becomes "2". What the method refuses is told with its place by `points.point_faults`.
        return [{name: _held(name, value) for name, value in point.items()} for point in points]

    @property
    def directions(self) -> list[Direction]:
        """What is better for each objective, in Optuna's words."""
        return [direction(metric) for metric in self.objective]
