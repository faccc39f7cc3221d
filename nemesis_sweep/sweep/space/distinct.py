"""No study trains the same point twice: replicates are its seeds, so it would give the same result again."""

import random
from collections.abc import Callable, Collection

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.checks.limits import LARGEST_GRID
from nemesis_sweep.spec.dimensions import Space
from nemesis_sweep.spec.draw import Point, all_points, random_point, size
from nemesis_sweep.spec.values import Values

Key = frozenset[tuple[str, str]]
TRIES = 10_000
"""Points drawn of a space that is too large to be listed."""


def point_key(point: Values) -> Key:
    """What two points have in common that are the same but for rounding."""
    # As text: 1, 1.0 and true are equal in Python but may be three choices.
    return frozenset(
        (name, f"{value:.12g}" if type(value) is float else repr(value)) for name, value in point.items()
    )


def running(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that a study is waiting for."""
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def untried(space: Space, tried: Collection[Key], keeps: Callable[[Point], bool]) -> list[Point] | None:
    """Every point that may still be tried; None of a space that is too large to be listed."""
    count = size(space)
    if count is None or count > LARGEST_GRID:
        return None
    return [point for point in all_points(space) if point_key(point) not in tried and keeps(point)]


def another_point(
    space: Space, tried: Collection[Key], seed: int, keeps: Callable[[Point], bool] = lambda point: True
) -> Point | None:
    """A point drawn at random that ``keeps`` says yes to and that was not tried; None when none is found."""
    rng = random.Random(seed)
    left = untried(space, tried, keeps)
    if left is not None:
        return rng.choice(left) if left else None
    drawn = (random_point(space, rng) for _ in range(TRIES))
    return next((point for point in drawn if point_key(point) not in tried and keeps(point)), None)
