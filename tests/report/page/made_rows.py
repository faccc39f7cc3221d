"""Rows of sweeps that were never trained: as many tasks and methods as a test wants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nemesis_sweep.sweep.row import Row
from tests.report.conftest import row

REFERENCES = {
    "zero_shot": -14.0, "zero_shot_ensemble": -12.0, "linear_probe": -3.0, "lp_plus_plus": -1.0,
    "tip_adapter": -2.0, "tip_adapter_f": 0.5, "clip_adapter": -1.5, "taskres": 0.2, "paper": 0.6,
}  # fmt: skip
"""What each gains over plain CoOp."""


def made_rows(
    tasks: int, references: Sequence[str] = (), replicates: int = 3, trials: int = 8, gain: float = 1.0
) -> list[Row]:
    """Rows of tasks with plain CoOp, some references, and trials that gain so much over it on average."""
    generator = np.random.default_rng(tasks)
    return [
        each for task in range(tasks) for each in _task(task, references, replicates, trials, gain, generator)
    ]


def _task(
    task: int,
    references: Sequence[str],
    replicates: int,
    trials: int,
    gain: float,
    generator: np.random.Generator,
) -> list[Row]:
    data, shots = f"data{task // 3}", (1, 4, 16)[task % 3]
    named = {"study": f"{data}-{shots}shot", "task": f"{data}-{shots}shot", "dataset": data, "shots": shots}
    seeds = 60 + 4 * (task % 3) + generator.normal(0, 5) + generator.normal(0, 1.2, replicates)

    def made(number: str, gained: float, **more) -> Row:
        test = seeds + gained + generator.normal(0, 0.8, replicates)
        return row(number, list(test + 1), list(test), **named, **more)

    found = [made("coop", 0.0, baseline="coop")]
    for name in references:
        if name == "zero_shot":
            found.append(
                row(
                    name,
                    [46.0],
                    [46.0],
                    baseline=name,
                    **named,
                )
            )
        else:
            found.append(made(name, REFERENCES[name], baseline=name))
    for number in range(trials):
        gained = gain + generator.normal(0, 1.5)
        found.append(made(str(number), gained, params={"omega": 1.0, "beta": number % 2}))
    return found
