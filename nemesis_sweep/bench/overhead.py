"""What a sweep adds to the training of a warm trial: a real sweep, and the same training without one."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from nemesis_sweep.bench.stopwatch import End, Stopwatch
from nemesis_sweep.bench.timing import Say
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.runner import run_sweep
from nemesis_sweep.sweep.study import Study
from nemesis_sweep.sweep.worker.worker_cache import materials
from nemesis_sweep.training.training_run import TrainingRun

EPOCHS, EVERY = 30, 10


def overhead_sweep(trials: int, workers: int) -> Sweep:
    """PAN on the shipped digits, 4 shots, 3 replicates, one thread a trial; nothing is pruned."""
    return Sweep.model_validate(
        {
            "name": "bench-overhead",
            "tasks": {"dataset": "digits", "shots": 4, "replicates": 3},
            "method": {"beta": 0, "epochs": EPOCHS, "views": 1},
            "space": {
                "omega": {"low": 0.1, "high": 100, "log": True},
                "corruption": {"low": 0.0, "high": 0.9},
                "n_ctx": {"choices": [4, 8, 16]},
            },
            "search": {"sampler": "tpe", "pruner": "none", "eval_every": EVERY, "baselines": []},
            # Before a worker is warm it loads torch, the towers and the features.
            "budget": {"trials": trials + 2 * workers},
            "resources": {"cpus": 1, "gpus": 0, "concurrent": workers},
        }
    )


def measure_overhead(trials: int, workers: int, say: Say) -> dict[str, Any]:
    """Run a sweep in a folder of its own, which is removed, then train its last trials again without one.

    Keys: `trials` that count, those after the first 2 of each worker; `workers`; `seconds`, wall time of the
    sweep for these; `training_seconds`, the sum of the same trials' epochs, validations and tests in this
    process; `overhead_seconds`, per trial: (seconds * workers - training_seconds) / trials.
    """
    sweep = overhead_sweep(trials, workers)
    watch = Stopwatch(sweep.budget.trials, say, every=10)

    def show(studies: Sequence[Study]) -> AbstractContextManager[Stopwatch]:
        watch.begin()
        return nullcontext(watch)

    with tempfile.TemporaryDirectory(prefix="nemesis-sweep-bench-") as folder:
        outcome = run_sweep(sweep, Home(Path(folder) / "home"), show)
    warm = 2 * workers
    seconds, _ = watch.between(warm, len(watch.ends) - 1)
    params = {row.number: row.params for row in outcome.rows}
    say("training the same without a sweep")
    training = _training_seconds(sweep, watch.ends[warm + 1 :], params)
    return {
        "trials": trials,
        "workers": workers,
        "seconds": seconds,
        "training_seconds": training,
        "overhead_seconds": (seconds * workers - training) / trials,
    }


def overhead_lines(figures: Mapping[str, Any]) -> str:
    """All that was measured, as text."""
    trials, workers = figures["trials"], figures["workers"]
    return (
        f"{counted(trials, 'warm trial')}, {workers} at a time: {figures['seconds']:.1f} s, of which "
        f"training {figures['training_seconds'] / workers:.1f} s\n"
        f"a trial's share of everything else: {figures['overhead_seconds']:.3f} s"
    )


def _training_seconds(sweep: Sweep, ends: Sequence[End], params: Mapping[str, Mapping[str, Any]]) -> float:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        (task,) = sweep.task_list()
        methods = [configuration(sweep, task, params[end.number]) for end in ends]
        _train(sweep, task, methods[0])  # The first one also loads what stays warm.
        started = time.perf_counter()
        for method in methods:
            _train(sweep, task, method)
        return time.perf_counter() - started
    finally:
        torch.set_num_threads(threads)


def _train(sweep: Sweep, task: Task, method: Method) -> None:
    """What a trial computes, and nothing else."""
    seeds = tuple(sweep.tasks.seeds)
    found = materials(task, seeds, method)
    fit = TrainingRun(found.backbone, found.dataset.classnames, method, seeds, found.features)
    while not fit.done:
        fit.run_epoch()
        if fit.epoch % EVERY == 0 or fit.done:
            fit.evaluate("val")
    fit.evaluate("test")
