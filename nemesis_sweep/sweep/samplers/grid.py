"""Every point of a finite space once, in an order of its own for every study."""

import random
from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.dimensions import Space
from nemesis_sweep.spec.draw import Point
from nemesis_sweep.sweep.internals.optuna_names import FIXED_PARAMS
from nemesis_sweep.sweep.samplers.point_sampler import PointSampler
from nemesis_sweep.sweep.space.point_key import point_key


class GridSampler(PointSampler):
    """Hands out the points that no trial of the study has had, in a shuffled order.

    Unlike Optuna's own it takes conditional spaces, never repeats a point that was enqueued (the paper's
    setting, points of the user) or is running, and knows by the study alone what is left.
    """

    def __init__(self, space: Space, points: Sequence[Point], seed: int) -> None:
        super().__init__(space)
        self.points = list(points)
        random.Random(seed).shuffle(self.points)

    def left(self, study: optuna.Study) -> list[Point]:
        """The points that no trial has been given, in their order; trials that failed count as tried."""
        begun = [state for state in TrialState if state != TrialState.WAITING]
        tried = {point_key(trial.params) for trial in study.get_trials(deepcopy=False, states=begun)}
        return [point for point in self.points if point_key(point) not in tried]

    def draw(self, study: optuna.Study, trial: FrozenTrial) -> Point:
        fixed = trial.system_attrs.get(FIXED_PARAMS, {})
        left = [*self.left(study), *self.points]
        return next((point for point in left if fixed.items() <= point.items()), left[0])
