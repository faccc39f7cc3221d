"""`resources.gpus: auto`: the share of a GPU that the largest trial of the sweep needs, measured once."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.corrupt import Corrupt
from nemesis_sweep.spec.outside.beside import BESIDE
from nemesis_sweep.spec.outside.methods import read_method
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.cluster.largest import largest_trials
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.gpu_share import read_share, write_share
from nemesis_sweep.sweep.worker.gpu_memory import Memory, measure_memory

FALLBACK = 0.25
"""Share of a GPU where the probe fails: a trial that needs more is given more when it runs out."""

STATED = 16 * 2**30
"""Bytes that a logical GPU is taken to have."""

GIB = 2**30
Plain = dict[str, Any]


def auto_share(
    sweep: Sweep,
    home: Home,
    cluster: Mapping[str, float],
    say: Callable[[str], None],
    stopping: Callable[[], bool],
) -> float:
    """The share of a GPU for a trial of this sweep; 0 where the cluster has no GPU.

    Kept in the home (`gpu_share.json`) and measured again only for other GPUs or a larger trial. It is
    measured on one GPU; where they differ, a trial that finds too little is given more.
    """
    if not cluster.get("GPU"):
        return 0.0
    classes = {task.key: _classes(home, task) for task in sweep.task_list()}
    kinds = sorted(name for name in cluster if name.startswith("accelerator_type:"))
    try:
        trials = [{"task": asdict(t), "method": m.model_dump()} for t, m in largest_trials(sweep, classes)]
    except UserError as error:
        return _fall_back(say, str(error))
    asked = {"gpus": kinds, "seeds": sweep.tasks.seeds, "trials": trials}
    if sweep.search.corrupt is not None:
        asked["corrupt"] = sweep.search.corrupt.model_dump()
    asked = json.loads(json.dumps(asked))  # As it will be read back.
    known = read_share(home.path)
    if known.get("asked") == asked and isinstance(known.get("share"), float):
        return float(known["share"])
    say("resources.gpus auto: probing how much of a GPU the largest trial needs")
    told = _probe(asked, str(home.path), sweep.resources.cpus, stopping)
    if isinstance(told, str):
        return _fall_back(say, told)
    write_share(home.path, {"share": told.share, "memory": asdict(told), "asked": asked})
    peak, context, total = (size / GIB for size in astuple(told))
    say(
        f"resources.gpus auto: {told.share:g} of a GPU a trial; the largest took {peak:.2f} GiB "
        f"and {context:.2f} beside, of {total:.1f}"
    )
    return told.share


def _fall_back(say: Callable[[str], None], reason: str) -> float:
    say(f"resources.gpus auto: {FALLBACK:g} of a GPU a trial, for it could not be probed: {reason}")
    return FALLBACK


def _classes(home: Home, task: Task) -> int:
    return int(
        json.loads((home.path / "episodes" / f"{task.key}.json").read_text(encoding="utf-8"))["classes"]
    )


def _probe(asked: Plain, home: str, cpus: float, stopping: Callable[[], bool]) -> Memory | str:
    """Measure in a process that has a whole GPU; the reason where that fails."""
    import ray
    from ray.exceptions import RayError

    # The process ends with its task, so that its GPU is free again.
    probe = ray.remote(num_gpus=1, num_cpus=cpus, max_calls=1)(probe_memory)
    cores = max(1, int(cpus))
    answer = probe.remote(asked["trials"], asked["seeds"], home, cores, STATED, asked.get("corrupt"))
    while not ray.wait([answer], timeout=1)[0]:
        if stopping():
            ray.cancel(answer, force=True)
            return "told to stop"
    try:
        return Memory(*ray.get(answer))
    except RayError as error:
        return str(error).strip().splitlines()[-1]


def probe_memory(
    trials: list[Plain],
    seeds: list[int],
    home: str,
    threads: int,
    stated: int,
    corrupted: Plain | None = None,
) -> tuple[int, int, int]:
    """Memory that these trials need one after the other in one process, as in a worker that stays warm.

    A trial for which even a whole GPU is too small counts as all of it.
    """
    import torch

    torch.set_num_threads(threads)
    try:
        memory = measure_memory(lambda: _dry_run(trials, tuple(seeds), home, corrupted), stated)
    except torch.OutOfMemoryError:
        _, total = torch.cuda.mem_get_info() if torch.cuda.is_available() else (0, stated)
        memory = Memory(total, 0, total)
    return astuple(memory)


def _dry_run(trials: list[Plain], seeds: tuple[int, ...], home: str, corrupted: Plain | None) -> None:
    from nemesis_sweep.data.encode import MAX_BATCH, encode_items
    from nemesis_sweep.data.views import CENTRE
    from nemesis_sweep.sweep.worker import worker_cache
    from nemesis_sweep.sweep.worker.dry_run import dry_run

    BESIDE.look_in(Path(home))
    corrupt = None if corrupted is None else Corrupt.model_validate(corrupted)
    for trial in trials:
        task = Task.from_plain(trial["task"])
        method = read_method(trial["method"])
        backbone = worker_cache.towers(task.backbone, method.precision, task.start)
        arranged = worker_cache.arranged(task, seeds, home)
        # Whoever comes first to a dataset encodes it, in the process of its trial.
        encode_items(backbone, arranged.source.test[:MAX_BATCH], [CENTRE])
        dry_run(backbone, arranged, method, corrupt)
