"""Trials that run at the same time never train the same thing: they would give the same result twice."""

import math
from collections.abc import Collection, Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.dimensions import Choice, Dimension, FloatRange, Space
from nemesis_sweep.sweep.proposals import suggest

Params = Mapping[str, Any]


def points_of(space: Space) -> float:
    """How many different points a space has; infinite where a dimension is continuous."""
    return math.prod(map(_values_of, space.values()))


def _values_of(dimension: Dimension) -> float:
    if isinstance(dimension, Choice):
        return sum(map(points_of, dimension.opens))
    low, high = dimension.bounds
    if low == high:
        return 1
    if dimension.step is None:
        return math.inf
    # Optuna lowers `high` to the grid; a float grid may miss its last point by rounding.
    slack = 1e-9 if isinstance(dimension, FloatRange) else 0.0
    return math.floor((high - low) / dimension.step + slack) + 1


def running(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that a study is waiting for."""
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def twin(study: optuna.Study, trial: optuna.Trial) -> int | None:
    """The number of an earlier running trial with the same parameters, or None."""
    for other in running(study):
        if other.number < trial.number and other.params == trial.params:
            return other.number
    return None


def another_point(space: Space, taken: Collection[Params], seed: int) -> dict[str, Any]:
    """A point drawn at random that none of ``taken`` is. The space must have one."""
    drawn = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    while True:
        trial = drawn.ask()
        point = suggest(trial, space)
        if point not in taken:
            return point
