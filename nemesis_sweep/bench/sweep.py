"""The whole job: runs one after the other the public code's way, against one sweep of the same trials."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from nemesis_sweep.bench.machine import describe_machine
from nemesis_sweep.bench.public_run import Job, Result
from nemesis_sweep.bench.timing import Say
from nemesis_sweep.bench.whole_job import NONE, WholeJob, write_sweep
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.report.results import read_results
from nemesis_sweep.sweep.interrupt import interruptible
from nemesis_sweep.sweep.row import Row

ACCURACY = "test/accuracy"
SELECTED_BY = "val/accuracy"
MOST, MEAN = 1.0, 0.2
"""Points by which test accuracies may differ: of one run, and on average over the runs that are compared.

Rounding differs between the ways. Where it decides whether PAN selects a position, trainings part for a step
and may end some pictures apart. Other seeds, images or settings are further apart on average.
"""


@dataclass(frozen=True)
class Run:
    """One run the public code's way. seconds: from the start of its process to its end."""

    trial: int
    seed: int
    seconds: float
    result: Result


def measure_sweep(job: WholeJob, say: Say) -> dict[str, Any]:
    """Run the first trials the public code's way, then all of them as a sweep, and with a pruner as another.

    Every public run is a process of its own. A sweep is `nemesis-sweep run`, from its start to its end, with
    an empty cache of image features and a home of its own; what it leaves is removed.

    Keys: `job`, `machine`; `public_runs`, `measured_runs`; `extrapolated`: whether not all were measured, so
    that the others are taken to last as long as the mean; `public_seconds` of all runs;
    `public_run_seconds`, means of a run's `start`, `training` and `test`; `ours_seconds`,
    `public_over_ours`, and `best`, the test accuracy of the best found; `agreement`, what `agreement`
    returns; `pruned`, None without a pruner: `pruner`, `seconds`, `public_over_ours`, `best` and `stopped`,
    the number of trials that were.

    Raises ``UserError`` for a job that cannot be, before anything is measured, and for what a run says.
    """
    machine = describe_machine()
    # So that whatever ends this also ends what it has started, and removes the folder.
    with interruptible(), tempfile.TemporaryDirectory(prefix="nemesis-sweep-bench-") as name:
        folder = Path(name)
        for pruner in (NONE, job.pruner):
            write_sweep(job, pruner, folder / f"{pruner}.yaml")
        runs = _public_runs(job, say)
        ours, rows = _sweep(folder, NONE, say)
        pruned = None if job.pruner == NONE else _sweep(folder, job.pruner, say)
    count = job.trials * job.replicates
    public = mean(run.seconds for run in runs) * count
    return {
        "job": asdict(job),
        "machine": machine,
        "public_runs": count,
        "measured_runs": len(runs),
        "extrapolated": len(runs) < count,
        "public_seconds": public,
        "public_run_seconds": _parts(runs),
        "ours_seconds": ours,
        "public_over_ours": public / ours,
        "best": _best(rows),
        "agreement": agreement(job, runs, rows),
        "pruned": pruned and _pruned(job.pruner, public, *pruned),
    }


def agreement(job: WholeJob, runs: Sequence[Run], rows: Sequence[Row]) -> dict[str, Any]:
    """Test accuracies of the public runs beside those of the same trials and seeds of the sweep.

    Keys: `runs`, each with trial, seed, `public` and `ours` (percent, None where a trial has none);
    `most` and `mean`, the largest and the mean difference in points; `allowed_most`, `allowed_mean`; `agree`.
    """
    found = {_key(row.params): row.replicates.get(ACCURACY) for row in rows}
    compared, apart = [], []
    for run in runs:
        accuracies = found.get(_key(job.points[run.trial]))
        ours = accuracies[job.seeds.index(run.seed)] if accuracies else math.nan
        public = run.result.accuracy
        # A replicate that failed is as far off as can be; its NaN would hide in a maximum.
        apart.append(100.0 if math.isnan(ours) else abs(public - ours))
        own = None if math.isnan(ours) else ours
        compared.append({"trial": run.trial, "seed": run.seed, "public": public, "ours": own})
    return {
        "runs": compared,
        "most": max(apart),
        "mean": mean(apart),
        "allowed_most": MOST,
        "allowed_mean": MEAN,
        "agree": max(apart) <= MOST and mean(apart) <= MEAN,
    }


def _key(params: Mapping[str, Any]) -> str:
    return json.dumps(params, sort_keys=True)


def _public_runs(job: WholeJob, say: Say) -> list[Run]:
    jobs = [(trial, one) for trial in range(job.measured) for one in job.runs(trial)]
    runs = []
    for number, (trial, one) in enumerate(jobs, 1):
        started = time.perf_counter()
        result = _public_run(one)
        runs.append(Run(trial, one.seed, time.perf_counter() - started, result))
        say(
            f"public run {number} of {len(jobs)} (trial {trial}, seed {one.seed}): "
            f"{runs[-1].seconds:.1f} s, {ACCURACY} {result.accuracy:.2f}"
        )
    return runs


def _public_run(job: Job) -> Result:
    command = [sys.executable, "-m", "nemesis_sweep.bench.public_run", json.dumps(asdict(job))]
    answer = subprocess.run(command, capture_output=True, encoding="utf-8", env=_environment(), check=False)
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or [f"ended with {answer.returncode}"])[-1]
        raise UserError(f"a public run failed: {last}")
    return Result(**json.loads(answer.stdout.splitlines()[-1]))


def _sweep(folder: Path, pruner: str, say: Say) -> tuple[float, list[Row]]:
    """Seconds of `nemesis-sweep run`, and the rows of its results."""
    file, home, told = folder / f"{pruner}.yaml", folder / pruner, [""]
    command = [sys.executable, "-m", "nemesis_sweep", "run", str(file), "--home", str(home)]
    own = {"NEMESIS_SWEEP_CACHE": str(folder / f"{pruner}-cache")}
    say(f"nemesis-sweep run, pruner {pruner}")
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=_environment() | own,
    )
    with process:
        try:
            over = False
            for line in process.stdout or ():
                told.append(line.rstrip())
                # The leaderboard comes after the last trial; this command has a table of its own.
                if not over:
                    say(f"  {told[-1]}")
                over = over or " done: " in line
        except BaseException:
            process.terminate()
            raise
    seconds = time.perf_counter() - started
    if process.returncode:
        last = next((line for line in reversed(told) if line), "")
        raise UserError(f"the sweep ended with {process.returncode}: {last}")
    return seconds, read_results(home)


def _environment() -> dict[str, str]:
    """The surroundings of both ways: this machine alone, and no GPU."""
    kept = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    return {**kept, "CUDA_VISIBLE_DEVICES": ""}


def _parts(runs: Sequence[Run]) -> dict[str, float]:
    training = mean(run.result.training_seconds for run in runs)
    test = mean(run.result.test_seconds for run in runs)
    return {"start": mean(run.seconds for run in runs) - training - test, "training": training, "test": test}


def _pruned(pruner: str, public: float, seconds: float, rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "pruner": pruner,
        "seconds": seconds,
        "public_over_ours": public / seconds,
        "stopped": sum(row.state == "PRUNED" for row in rows),
        "best": _best(rows),
    }


def _best(rows: Sequence[Row]) -> float | None:
    """Test accuracy of the trial that is best on the validation images."""
    complete = [row.metrics for row in rows if row.state == "COMPLETE"]
    if not complete:
        return None
    accuracy: float = max(complete, key=lambda metrics: metrics[SELECTED_BY])[ACCURACY]
    return accuracy
