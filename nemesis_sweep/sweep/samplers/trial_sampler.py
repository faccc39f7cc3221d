"""Which sampler proposes which trial of a study: one that is seeded by the trial's number."""

import hashlib
from collections.abc import Callable

import optuna

from nemesis_sweep.spec.draw import Point, all_points
from nemesis_sweep.spec.limits import GRID
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.samplers.feasible import TRIES, TRIES_GP, FeasibleSampler
from nemesis_sweep.sweep.samplers.grid import GridSampler
from nemesis_sweep.sweep.samplers.registry import build_sampler
from nemesis_sweep.sweep.space.planned import limits_of


class TrialSampler:
    """Makes the samplers of a study.

    origin: what tells the study from others, however it is called; part of every seed. keeps: whether a point
    keeps the constraints over parameters. grid: the sampler of all trials where the sweep asks for a grid,
    else None.
    """

    def __init__(self, sweep: Sweep, origin: str, keeps: Callable[[Point], bool]) -> None:
        self.sweep = sweep
        self.origin = origin
        self.keeps = keeps
        self.grid: GridSampler | None = None
        if sweep.search.sampler == GRID:
            points = [point for point in all_points(sweep.space) if keeps(point)]
            self.grid = GridSampler(sweep.space, points, self.seed(GRID))

    def of(self, number: int) -> optuna.samplers.BaseSampler:
        """A sampler whose seed depends on the sweep's seed, the study and the trial, not on what ran before.

        So a sweep that was interrupted proposes what it would have proposed without the interruption.
        """
        if self.grid is not None:
            return self.grid
        search, seed = self.sweep.search, self.seed(number)
        sampler = build_sampler(search.sampler, search.sampler_options, seed)
        if not limits_of(self.sweep):
            return sampler
        tries = TRIES_GP if search.sampler == "gp" else TRIES
        return FeasibleSampler(sampler, self.sweep.space, self.keeps, seed, tries)

    def seed(self, what: int | str) -> int:
        """A seed of 32 bits for a trial, or another purpose, of this study."""
        text = f"{self.sweep.search.seed}:{self.origin}:{what}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
