"""Which of several results no other one beats: the Pareto front, and the best that stands on it."""

import math
from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.baselines import trains_prompt
from nemesis_sweep.spec.metrics import Direction

LOSS = "val/loss"
"""User attribute of a complete trial: its validation loss, which decides between equals."""


def pareto_front(values: Sequence[Sequence[float]], directions: Sequence[Direction]) -> list[int]:
    """Places of the results that no other one beats, best by the first objective first.

    values: (n, k), finite, one row a result and one column an objective. A result is beaten by one that is at
    least as good by every objective and better by one; equal results stand beside each other.
    """
    signs = [-1.0 if direction == "maximize" else 1.0 for direction in directions]
    losses = [tuple(sign * value for sign, value in zip(signs, row, strict=True)) for row in values]
    front: list[int] = []
    # In this order a result is beaten, if at all, by one that came before it and stands on the front.
    for place in sorted(range(len(losses)), key=lambda place: (losses[place], place)):
        if not any(_beats(losses[other], losses[place]) for other in front):
            front.append(place)
    return front


def best_trials(
    trials: Sequence[tuple[str, FrozenTrial]], directions: Sequence[Direction]
) -> list[tuple[str, FrozenTrial]]:
    """The front among the trained trials that are complete and keep every constraint, with their numbers.

    With one objective: the best trial, and those that are exactly as good.
    """
    candidates = [
        (number, trial)
        for number, trial in trials
        if trial.state == TrialState.COMPLETE
        and trains_prompt(number)
        and all(excess <= 0 for excess in trial.constraints.values())
    ]
    return [candidates[n] for n in pareto_front([trial.values for _, trial in candidates], directions)]


def best_trial(
    trials: Sequence[tuple[str, FrozenTrial]], directions: Sequence[Direction]
) -> tuple[str, FrozenTrial] | None:
    """The best trained trial: by the first objective, the next ones, the lower validation loss, the earlier.

    None while nothing that keeps the constraints is complete.
    """
    front = best_trials(trials, directions)
    if not front:
        return None
    equals = [each for each in front if each[1].values == front[0][1].values]
    return min(equals, key=lambda each: each[1].user_attrs.get(LOSS, math.inf))


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
