"""A sampler that draws whole points: all dimensions of a space at once, conditional ones included."""

from abc import abstractmethod
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from nemesis_sweep.spec.dimensions import Space
from nemesis_sweep.spec.draw import Point
from nemesis_sweep.sweep.space.proposals import distributions


class PointSampler(optuna.samplers.BaseSampler):
    """Proposes what :meth:`draw` gives, so that no dimension is left to be sampled by itself."""

    def __init__(self, space: Space) -> None:
        self.space = space

    @abstractmethod
    def draw(self, study: optuna.Study, trial: FrozenTrial) -> Point:
        """The point of a trial; it holds what the trial was given already (enqueued, or before a restart)."""

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        self._point = self.draw(study, trial)
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
        raise RuntimeError(f"{param_name} is not in the point {self._point}")
