"""Proposals that will do: new ones that keep the constraints. Others are drawn again, and are no trial."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.dimensions import Dimension, FloatRange, Space
from nemesis_sweep.spec.draw import Point, all_points, fill, random_value, size
from nemesis_sweep.spec.steps import snapped
from nemesis_sweep.sweep.internals.optuna_names import FIXED_PARAMS
from nemesis_sweep.sweep.samplers.point_sampler import PointSampler
from nemesis_sweep.sweep.space.coordinates import dimensions, distance
from nemesis_sweep.sweep.space.proposals import distribution

RANDOM_TRIES, LISTED = 2000, 10_000
"""How many random points are looked at, and how many a space may have for all of them to be."""


class FeasibleSampler(PointSampler):
    """Another sampler's proposals, of which only those are taken that will do.

    Drawn are whole points, ``tries`` of the sampler's; if none will do, the one nearest to the last of them
    among all points of a space that can be listed, else among ``RANDOM_TRIES`` uniform ones. If none of
    those will do either, the sampler's is proposed and the study has to refuse it. All of it depends on the
    seed and on the study alone. Optuna's storage sees only the point that was taken: what is drawn again has
    no number and costs no budget.
    """

    def __init__(
        self,
        inner: optuna.samplers.BaseSampler,
        space: Space,
        will_do: Callable[[Point], bool],
        seed: int,
        tries: int,
    ) -> None:
        super().__init__(space)
        self.inner = inner
        self.will_do = will_do
        self.seed = seed
        self.tries = tries

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self.inner.before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self.inner.after_trial(study, trial, state, values)

    def draw(self, study: optuna.Study, trial: FrozenTrial) -> Point:
        # What a trial was enqueued with, and what it had been given before its driver died, stays.
        given = {**trial.system_attrs.get(FIXED_PARAMS, {}), **trial.params}
        related = self.inner.infer_relative_search_space(study, trial)
        for _ in range(self.tries):
            relative = {**self.inner.sample_relative(study, trial, related), **given}

            def proposed(name: str, dimension: Dimension, drawn: Point = relative) -> Any:
                if name in given:
                    return given[name]
                if name in drawn and dimension.contains(value := _on_step(dimension, drawn[name])):
                    return value
                value = self.inner.sample_independent(study, trial, name, distribution(dimension))
                return _on_step(dimension, value)

            point = fill(self.space, proposed)
            if self.will_do(point):
                return point
        names = dimensions(self.space)
        others = filter(self.will_do, self._others(given))
        return min(others, key=lambda other: distance(names, point, other), default=point)

    def _others(self, given: Point) -> Iterator[Point]:
        """Points with the values that are given: all of them, or some at random."""
        count = size(self.space)
        if count is not None and count <= LISTED:
            yield from (point for point in all_points(self.space) if given.items() <= point.items())
            return
        rng = random.Random(self.seed)
        for _ in range(RANDOM_TRIES):
            yield fill(self.space, lambda name, dim: given[name] if name in given else random_value(dim, rng))


def _on_step(dimension: Dimension, value: Any) -> Any:
    """The value, on a step of its range where that has steps: Optuna's own arithmetic rounds otherwise."""
    return snapped(dimension, value) if isinstance(dimension, FloatRange) else value
