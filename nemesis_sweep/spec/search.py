"""The `search` section: how trials are proposed, judged and stopped early."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.choices import OneOf
from nemesis_sweep.spec.confirm import Confirm
from nemesis_sweep.spec.corrupt import Corrupt
from nemesis_sweep.spec.expression import Condition, ConditionError, parse_condition
from nemesis_sweep.spec.fields import Count, Distinct, NoneOrMany, OneOrMany, Section, Seed, Text
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.metrics import Direction, Metric, direction
from nemesis_sweep.spec.names import PrunerName, Reading, SamplerName
from nemesis_sweep.spec.space import UNCHECKED, check_value
from nemesis_sweep.spec.storage import check_storage

BaselineName = Annotated[str, OneOf(BASELINES)]


def _condition(text: str, info: ValidationInfo) -> str:
    try:
        parse_condition(text, _reading(info).method)
    except ConditionError as error:
        context = {"message": error.message, "allowed": error.allowed, "nearest": error.near}
        raise PydanticCustomError("unknown_name", "{message}", context) from None
    return text


def _reading(info: ValidationInfo) -> Reading:
    """What is read with, without names that are checked."""
    return Reading(None, info.context.method) if info.context else UNCHECKED


def _held(name: str, value: Any, reading: Reading) -> Any:
    known = name in reading.method.model_fields
    held, faults = check_value(name, value, (), reading) if known else (value, [])
    return value if faults else held


class Search(Section):
    """The sampler proposes, the objective judges, the pruner stops.

    sampler_options, pruner_options: arguments of the Optuna class behind the name.
    objective: metrics that the study optimises; of several there is no best trial but a Pareto front.
    constraints: conditions over parameters and metrics that a trial has to keep to be the best found.
    study: one study per task, or a joint one whose trials train every task and are judged by the mean over
    the tasks.
    seed: of the samplers; every study derives its own from it.
    eval_every: epochs between two measurements on the validation set; each is reported to the pruner.
    points: values of searched dimensions to try first; the sampler draws those that are left out.
    baselines: rows that every study holds before its first proposal; `zero_shot_ensemble` (several templates)
    and `linear_probe` (logistic regression on the same images' features) only when they are asked for. The
    last, `control`, is the best found once more with omega 0, trained when all others are over.
    confirm: trains the best settings and plain CoOp again on fresh seeds, when all else is over; None: none.
    corrupt: tests every prompt that is learnt once more with one vector scaled or replaced; None: none. No
    trial is chosen by it.
    storage: address of the database in which Optuna keeps the trials, by default a journal in the home.
    """

    sampler: SamplerName = "tpe"
    sampler_options: dict[str, Any] = Field(default_factory=dict)
    pruner: PrunerName = "hyperband"
    pruner_options: dict[str, Any] = Field(default_factory=dict)
    objective: OneOrMany[Metric] = Field(default=["val/accuracy"])
    constraints: NoneOrMany[Annotated[str, AfterValidator(_condition)]] = Field(default_factory=list)
    study: Literal["per_task", "joint"] = "per_task"
    seed: Seed = 0
    eval_every: Count = 5
    points: list[dict[str, Any]] = Field(default_factory=list)
    baselines: Distinct[BaselineName] = Field(default=[name for name, row in BASELINES.items() if row.usual])
    confirm: Confirm | None = None
    corrupt: Corrupt | None = None
    storage: Annotated[Text, AfterValidator(check_storage)] | None = None
    _method: type[Method] = PrivateAttr(Method)

    @model_validator(mode="before")
    @classmethod
    def _no_pruner_for_a_front(cls, data: Any) -> Any:
        # What is poor by one objective may be on the front by another, so nothing is stopped by default.
        if isinstance(data, dict) and isinstance(data.get("objective"), list) and len(data["objective"]) > 1:
            return {"pruner": "none", **data}
        return data

    @field_validator("points")
    @classmethod
    def _as_the_method_holds_them(
        cls, points: list[dict[str, Any]], info: ValidationInfo
    ) -> list[dict[str, Any]]:
        # `norm: 2` becomes "2". What the method refuses is told with its place by `points.point_faults`.
        reading = _reading(info)
        return [{name: _held(name, value, reading) for name, value in point.items()} for point in points]

    @model_validator(mode="after")
    def _keeps_its_method(self, info: ValidationInfo) -> Search:
        if info.context:
            self._method = info.context.method
        return self

    @property
    def directions(self) -> list[Direction]:
        """What is better for each objective, in Optuna's words."""
        return [direction(metric) for metric in self.objective]

    @property
    def conditions(self) -> list[Condition]:
        """The constraints, ready to be judged."""
        return [parse_condition(text, self._method) for text in self.constraints]
