"""What a trial's measurements say: its objectives, and the constraints that it keeps or breaks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nemesis_sweep.spec.baselines import trains_prompt
from nemesis_sweep.spec.expression import Condition
from nemesis_sweep.spec.method import visible_values
from nemesis_sweep.spec.metrics import direction
from nemesis_sweep.spec.search import Search
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.result import Means


@dataclass(frozen=True)
class Judgement:
    """values: one for every objective, NaN where it was not measured.
    excess: of every constraint, by its text; above 0 where it is broken.
    """

    values: tuple[float, ...]
    excess: Mapping[str, float] = field(default_factory=dict)

    @property
    def finite(self) -> bool:
        """Whether every objective is a number, or the worst that there is on purpose."""
        return not any(math.isnan(value) for value in self.values)

    @property
    def broken(self) -> list[str]:
        """The constraints that the trial breaks."""
        return [text for text, excess in self.excess.items() if excess > 0]


def judge(search: Search, methods: Sequence[Values], measured: Means, baseline: str) -> Judgement:
    """Judge a trial by its metrics, `seconds` among them, and the fields of its method on every task."""
    values = objective_values(search, measured, baseline)
    return Judgement(values, excesses(search.conditions, methods, measured, baseline))


def objective_values(search: Search, measured: Means, baseline: str) -> tuple[float, ...]:
    """What a trial comes to by every objective; NaN where it was not measured."""
    values = []
    for metric in search.objective:
        value = float(measured.get(metric, math.nan))
        if not trains_prompt(baseline) and metric not in measured:
            # It trains nothing and so has no norms, say; it is in every table and never the best of one.
            value = -math.inf if direction(metric) == "maximize" else math.inf
        elif math.isinf(value):
            value = math.nan
        values.append(value)
    return tuple(values)


def excesses(
    conditions: Sequence[Condition],
    methods: Sequence[Values],
    measured: Means,
    baseline: str,
) -> dict[str, float]:
    """How far a trial is from keeping each constraint on all tasks, by its text.

    What trains no prompt has nothing to constrain.
    """
    if not trains_prompt(baseline):
        return {}
    tasks = [{**visible_values(method), **measured} for method in methods]
    return {condition.text: max(condition.excess(values) for values in tasks) for condition in conditions}
