"""Trials that run at the same time never train the same thing: they would give the same result twice."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.dimensions import Space
from nemesis_sweep.sweep.space.proposals import suggest

Params = Mapping[str, Any]


def running(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that a study is waiting for."""
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def twin(study: optuna.Study, trial: optuna.Trial) -> int | None:
    """The number of an earlier running trial with the same parameters, or None."""
    for other in running(study):
        if other.number < trial.number and other.params == trial.params:
            return other.number
    return None


def another_point(
    space: Space, taken: Collection[Params], seed: int, keeps: Callable[[Params], bool] = lambda point: True
) -> dict[str, Any]:
    """A point drawn at random that ``keeps`` says yes to and that none of ``taken`` is. There must be one."""
    drawn = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    while True:
        trial = drawn.ask()
        point = suggest(trial, space)
        if point not in taken and keeps(point):
            return point
