"""Reports on sweeps that were never trained: as many tasks and methods as a test wants, from rows by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.record import SweepRecord
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.best import mark_best
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.status import status_of
from tests.report.conftest import row

REFERENCES = {
    "zero_shot": -14.0, "zero_shot_ensemble": -12.0, "linear_probe": -3.0, "lp_plus_plus": -1.0,
    "tip_adapter": -2.0, "tip_adapter_f": 0.5, "clip_adapter": -1.5, "taskres": 0.2, "paper": 0.6,
}  # fmt: skip
"""What each gains over plain CoOp."""


def material_of(folder: Path, rows: Mapping[str, Sequence[Row]]) -> Material:
    """The material of sweeps with these rows, by the names of the sweeps."""
    return Material([_record(folder / name, name, of_sweep) for name, of_sweep in rows.items()])


def _record(folder: Path, name: str, rows: Sequence[Row]) -> SweepRecord:
    folder.mkdir()
    file = folder / "made.yaml"
    file.write_text(
        f"name: {name}\ntasks: {{dataset: digits, shots: 1}}\nspace: {{omega: {{low: 0.1, high: 9}}}}\n"
    )
    sweep, home = load_sweep(file), Home(folder)
    return SweepRecord(name, home, sweep, (), mark_best(rows, ["val/accuracy"]), status_of(sweep, [], home))


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
