"""Proposals that keep the constraints over parameters: what breaks one is drawn again, and is no trial."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.dimensions import Dimension, Space
from nemesis_sweep.spec.draw import Point, fill, random_value
from nemesis_sweep.sweep.samplers.point_sampler import PointSampler
from nemesis_sweep.sweep.space.coordinates import dimensions, distance
from nemesis_sweep.sweep.space.proposals import distribution

TRIES, TRIES_GP = 10, 1
"""How often a sampler is asked. A Gaussian process takes long to answer, and answers the same again."""

RANDOM_TRIES = 2000


class FeasibleSampler(PointSampler):
    """Another sampler's proposals, of which only those are taken that ``keeps`` says yes to.

    Drawn are whole points, ``tries`` of the sampler's; if none keeps the constraints, the one nearest to the
    last of them among ``RANDOM_TRIES`` uniform ones that do. If none of those does either, the sampler's is
    proposed and the study has to refuse it. All of it depends on the seed and on the study alone. Optuna's
    storage sees only the point that was taken: what is drawn again has no number and costs no budget.
    """

    def __init__(
        self,
        inner: optuna.samplers.BaseSampler,
        space: Space,
        keeps: Callable[[Point], bool],
        seed: int,
        tries: int,
    ) -> None:
        super().__init__(space)
        self.inner = inner
        self.keeps = keeps
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
        given = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        related = self.inner.infer_relative_search_space(study, trial)
        for _ in range(self.tries):
            relative = {**self.inner.sample_relative(study, trial, related), **given}

            def proposed(name: str, dimension: Dimension, drawn: Point = relative) -> Any:
                if name in drawn and dimension.contains(drawn[name]):
                    return drawn[name]
                return self.inner.sample_independent(study, trial, name, distribution(dimension))

            point = fill(self.space, proposed)
            if self.keeps(point):
                return point
        kept = list(filter(self.keeps, self._random_points(given)))
        names = dimensions(self.space)
        return min(kept, key=lambda other: distance(names, point, other), default=point)

    def _random_points(self, given: Point) -> Iterator[Point]:
        rng = random.Random(self.seed)
        for _ in range(RANDOM_TRIES):
            yield fill(self.space, lambda name, dim: given[name] if name in given else random_value(dim, rng))
