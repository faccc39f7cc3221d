"""What the engine itself costs: a simulated sweep of many trials, timed."""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nemesis_sweep.bench.stopwatch import Stopwatch
from nemesis_sweep.bench.timing import Say
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.simulation.actors import Clock
from nemesis_sweep.sweep.simulation.run import run_simulation
from nemesis_sweep.sweep.simulation.synthetic import SyntheticResponse
from nemesis_sweep.sweep.study import Study

BLOCK = 1000
"""Trials of the first and of the last block that are compared; half of all where there are fewer."""


@dataclass(frozen=True)
class Load:
    """How large the simulated sweep is. synced: bring every journal entry to the disk, as real runs do."""

    trials: int = 2000
    workers: int = 16
    sampler: str = "random"
    pruner: str = "hyperband"
    synced: bool = False

    def sweep(self) -> Sweep:
        """PAN's space with 50 epochs, measured every 5; one task."""
        return Sweep.model_validate(
            {
                "name": "bench-engine",
                "tasks": {"dataset": "digits", "shots": 4, "replicates": 3},
                "method": {"beta": 0, "epochs": 50},
                "space": {
                    "omega": {"low": 0.1, "high": 100, "log": True},
                    "corruption": {"low": 0.0, "high": 0.9},
                    "n_ctx": {"choices": [4, 8, 16]},
                },
                "search": {"sampler": self.sampler, "pruner": self.pruner, "eval_every": 5},
                "budget": {"trials": self.trials},
            }
        )


def measure_engine(load: Load, say: Say) -> dict[str, Any]:
    """Simulate the load in a folder of its own, which is removed, and time it.

    Keys: `load`; `trials` that ended, baselines included; `seconds` and `cpu_seconds` (of this process);
    `trials_per_second`; `first_seconds`, `last_seconds` of the first and last `block` trials,
    `last_over_first`, and the same with `cpu_` before it; `peak_bytes`, resident, of this process since it
    began; `simulated_seconds`.
    """
    watch = Stopwatch(load.trials, say, every=BLOCK)

    def show(studies: Sequence[Study], clock: Clock) -> AbstractContextManager[Stopwatch]:
        watch.begin()
        return nullcontext(watch)

    sweep = load.sweep()
    with tempfile.TemporaryDirectory(prefix="nemesis-sweep-bench-") as folder:
        response = SyntheticResponse(sweep.space)
        outcome = run_simulation(
            sweep, Home(Path(folder) / "home"), show, response, load.workers, synced=load.synced
        )
    trials = len(watch.ends) - 1
    block = min(BLOCK, max(1, trials // 2))
    wall, cpu = watch.between(0, trials)
    first, last = watch.between(0, block), watch.between(trials - block, trials)
    return {
        "load": asdict(load),
        "trials": trials,
        "seconds": wall,
        "cpu_seconds": cpu,
        "trials_per_second": trials / wall,
        "block": block,
        "first_seconds": first[0],
        "last_seconds": last[0],
        "last_over_first": last[0] / first[0],
        "cpu_first_seconds": first[1],
        "cpu_last_seconds": last[1],
        "cpu_last_over_first": last[1] / first[1],
        "peak_bytes": _peak_bytes(),
        "simulated_seconds": outcome.seconds,
    }


def engine_lines(figures: Mapping[str, Any]) -> str:
    """All that was measured, as text."""
    load, block = figures["load"], figures["block"]
    journal = "synced at every entry" if load["synced"] else "left to the system to sync"
    return "\n".join(
        [
            f"{counted(figures['trials'], 'simulated trial')}, {counted(load['workers'], 'worker')}, "
            f"{load['sampler']}, {load['pruner']}, journal {journal}",
            f"{figures['seconds']:.1f} s ({figures['cpu_seconds']:.1f} s of processor time), "
            f"{figures['trials_per_second']:.1f} trials a second",
            f"first {block}: {figures['first_seconds']:.1f} s, last: {figures['last_seconds']:.1f} s, "
            f"{figures['last_over_first']:.2f}x ({figures['cpu_last_over_first']:.2f}x in processor time)",
            f"peak memory of the driver {figures['peak_bytes'] / 2**20:.0f} MiB",
        ]
    )


def _peak_bytes() -> int:
    """Most that this process ever had resident; Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
