"""Proposals that keep the constraints over parameters: what breaks one is drawn again, and is no trial."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.dimensions import Choice, Dimension
from nemesis_sweep.spec.draw import Point, fill, random_value
from nemesis_sweep.sweep.proposals import Space, distribution, distributions

TRIES, TRIES_GP = 10, 1
"""How often a sampler is asked. A Gaussian process takes long to answer, and answers the same again."""

RANDOM_TRIES = 2000


class FeasibleSampler(optuna.samplers.BaseSampler):
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
        self.inner = inner
        self.space = space
        self.keeps = keeps
        self.seed = seed
        self.tries = tries

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        self._point = self._draw(study, trial)
        return distributions(self.space, self._point)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {name: self._point[name] for name in search_space}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self.inner.sample_independent(study, trial, param_name, param_distribution)

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

    def _draw(self, study: optuna.Study, trial: FrozenTrial) -> Point:
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
        return min(kept, key=lambda other: distance(self.space, point, other), default=point)

    def _random_points(self, given: Point) -> Iterator[Point]:
        rng = random.Random(self.seed)
        for _ in range(RANDOM_TRIES):
            yield fill(self.space, lambda name, dim: given[name] if name in given else random_value(dim, rng))


def distance(space: Space, one: Point, other: Point) -> float:
    """How far two points are apart: the sum over dimensions of the share of the range between them.

    Another choice is a whole range away, whatever it opens.
    """
    total = 0.0
    for name, dimension in space.items():
        if isinstance(dimension, Choice):
            same = one[name] == other[name]
            total += distance(dimension.opened_by(one[name]), one, other) if same else 1.0
        else:
            scale = math.log if dimension.log else float
            low, high = map(scale, dimension.bounds)
            total += abs(scale(one[name]) - scale(other[name])) / (high - low or 1.0)
    return total
