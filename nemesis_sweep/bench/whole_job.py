"""The job of `bench sweep`: its trials, as runs of the public code's way and as a sweep file."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nemesis_sweep.bench.public_run import Job
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.names import known_names

OMEGA = (0.1, 100.0)
CORRUPTION = (0.0, 0.9)
DIGITS = 4
NONE = "none"


@dataclass(frozen=True)
class WholeJob:
    """T trials with R seeds each on one task.

    pan: positions that PAN tests in a step; 0 is PUN. measure: trials that are run the public code's way, at
    most all. pruner: of a second sweep, which stops trials early; `none` leaves it out.
    """

    backbone: str = "icon-clip"
    dataset: str = "clipart"
    trials: int = 20
    replicates: int = 3
    shots: int = 16
    epochs: int = 50
    n_ctx: int = 16
    batch: int = 32
    pan: int = 1
    views: int | str = 16
    measure: int = 2
    pruner: str = "hyperband"

    @property
    def seeds(self) -> range:
        return range(1, self.replicates + 1)

    @property
    def measured(self) -> int:
        return min(self.measure, self.trials)

    @cached_property
    def points(self) -> list[dict[str, float]]:
        """The penalty of every trial: omega, log-uniform, and with PAN the corruption, uniform."""
        rng = random.Random(0)
        points = []
        for _ in range(self.trials):
            point = {"omega": OMEGA[0] * (OMEGA[1] / OMEGA[0]) ** rng.random()}
            if self.pan:
                point["corruption"] = rng.uniform(*CORRUPTION)
            points.append({name: round(value, DIGITS) for name, value in point.items()})
        return points

    @property
    def method(self) -> dict[str, Any]:
        """What all trials have in common; the rest are defaults, of both ways."""
        penalty = {"beta": 0, "n_positions": self.pan} if self.pan else {"beta": 1}
        sizes = {"n_ctx": self.n_ctx, "epochs": self.epochs, "batch": self.batch, "views": self.views}
        return sizes | penalty

    def runs(self, trial: int) -> list[Job]:
        """A trial as the public code has it: a run for every seed."""
        method = {**self.method, **self.points[trial]}
        return [Job(self.backbone, self.dataset, self.shots, seed, method) for seed in self.seeds]

    def sweep(self, pruner: str) -> dict[str, Any]:
        """The sweep file of all trials. On the CPU, as the public runs are."""
        space: dict[str, Any] = {"omega": {"low": OMEGA[0], "high": OMEGA[1], "log": True}}
        if self.pan:
            space["corruption"] = {"low": CORRUPTION[0], "high": CORRUPTION[1]}
        return {
            "name": "bench-sweep",
            "tasks": {
                "backbone": self.backbone,
                "dataset": self.dataset,
                "shots": self.shots,
                "replicates": self.replicates,
            },
            "method": self.method,
            "space": space,
            "search": {"sampler": "random", "pruner": pruner, "baselines": [], "points": self.points},
            "budget": {"trials": self.trials},
            "resources": {"gpus": 0},
        }


def write_sweep(job: WholeJob, pruner: str, path: Path) -> None:
    """Write the sweep file, JSON being YAML. Raises ``UserError`` with everything that is wrong with it."""
    path.write_text(json.dumps(job.sweep(pruner), indent=1), encoding="utf-8")
    try:
        load_sweep(path, known=known_names(Path.cwd()))
    except UserError as error:
        # Of a file that nobody wrote, only the keys say something.
        raise UserError([replace(problem, file="", line=None) for problem in error.problems]) from error
