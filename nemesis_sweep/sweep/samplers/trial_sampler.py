"""Which sampler proposes which trial of a study: one that is seeded by the trial's number."""

import hashlib
from collections.abc import Callable, Collection, Iterator

import optuna

from nemesis_sweep.spec.dimensions import Dimension, FloatRange, Space
from nemesis_sweep.spec.draw import Point, all_points, size
from nemesis_sweep.spec.samplers import sampler_of
from nemesis_sweep.spec.space import places
from nemesis_sweep.spec.steps import is_exact
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.samplers.feasible import FeasibleSampler
from nemesis_sweep.sweep.samplers.registry import build_sampler, refuse_options
from nemesis_sweep.sweep.space.planned import limits_of
from nemesis_sweep.sweep.space.point_key import Key, point_key


def _all(space: Space) -> Iterator[Dimension]:
    return (place.dimension for place in places(space))


class TrialSampler:
    """Makes the samplers of a study.

    origin: what tells the study from others, however it is called; part of every seed. keeps: whether a point
    keeps the constraints over parameters. tried: the keys of the points that were proposed, as they are at
    the time of a proposal. key: of a point, as of ``key_of``.
    Raises ``UserError`` for options that the sampler does not take.
    """

    def __init__(
        self,
        sweep: Sweep,
        origin: str,
        keeps: Callable[[Point], bool],
        tried: Collection[Key] = (),
        key: Callable[[Values], Key] = point_key,
    ) -> None:
        self.sweep = sweep
        self.origin = origin
        self.keeps = keeps
        self.tried = tried
        self._key = key
        inexact = any(isinstance(each, FloatRange) and not is_exact(each) for each in _all(sweep.space))
        endless = size(sweep.space) is None and key is point_key
        self._plain = not limits_of(sweep) and not inexact and endless
        name = sweep.search.sampler
        # Once: it is asked for a sampler before every proposal.
        refuse_options(name, sweep.search.sampler_options)
        self._entry = sampler_of(name)
        self._of_all: optuna.samplers.BaseSampler | None = None
        if self._entry.finite:
            points = {key(point): point for point in all_points(sweep.space) if keeps(point)}
            options, seed = sweep.search.sampler_options, self.seed(name)
            self._of_all = build_sampler(name, options, seed, sweep.space, list(points.values()))

    def of(self, number: int) -> optuna.samplers.BaseSampler:
        """A sampler whose seed depends on the sweep's seed, the study and the trial, not on what ran before.

        So a sweep that was interrupted proposes what it would have proposed without the interruption.
        """
        if self._of_all is not None:
            return self._of_all
        search, seed = self.sweep.search, self.seed(number)
        sampler = build_sampler(search.sampler, search.sampler_options, seed)
        if self._plain:
            return sampler
        return FeasibleSampler(sampler, self.sweep.space, self.will_do, seed, self._entry.asked)

    def will_do(self, point: Point) -> bool:
        """Whether a point was not tried and keeps the constraints over parameters."""
        return self._key(point) not in self.tried and self.keeps(point)

    def seed(self, what: int | str) -> int:
        """A seed of 32 bits for a trial, or another purpose, of this study."""
        text = f"{self.sweep.search.seed}:{self.origin}:{what}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
