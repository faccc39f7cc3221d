"""What a study tries instead of a point that was tried, and what it is still waiting for."""

import random
from collections.abc import Callable

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.checks.limits import LARGEST_GRID
from nemesis_sweep.spec.dimensions import Space
from nemesis_sweep.spec.draw import Point, all_points, random_point, size

TRIES = 10_000
"""Points drawn of a space that is too large to be listed."""


def running(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that a study is waiting for."""
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def another_point(space: Space, will_do: Callable[[Point], bool], seed: int) -> Point | None:
    """A point drawn at random that will do; None when none is found."""
    rng, count = random.Random(seed), size(space)
    if count is not None and count <= LARGEST_GRID:
        left = [point for point in all_points(space) if will_do(point)]
        return rng.choice(left) if left else None
    drawn = (random_point(space, rng) for _ in range(TRIES))
    return next(filter(will_do, drawn), None)
