"""Before the first trial: workers encode the pictures of all tasks, which finds those that cannot be read."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nemesis_sweep.data.meter import REPORT_EVERY, SayLine
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.prompt_fields import LAST
from nemesis_sweep.spec.prompts import reads_of
from nemesis_sweep.spec.reads import POOLED
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.cause import Causes, SharedCauseError
from nemesis_sweep.sweep.cluster.ray_session import RaySession, nodes_there
from nemesis_sweep.sweep.cluster.shares import concurrent, trial_resources, whole_gpu
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.worker.encoding_log import encoding_log

Plain = dict[str, Any]


def looking_by_encoding(
    sweep: Sweep, home: Home, session: RaySession, say: SayLine
) -> Callable[[Sequence[Task], Mapping[str, str]], dict[str, str]]:
    """A function that encodes the pictures of tasks and gives what is known of them then.

    It raises ``UserError`` when a backbone or a dataset cannot be loaded.
    """

    def look(tasks: Sequence[Task], known: Mapping[str, str]) -> dict[str, str]:
        import ray
        from ray.exceptions import RayError

        from nemesis_sweep.sweep.worker.image_check import encode_pictures

        share = _share(sweep, session)
        # A process of its own, so that its memory and its GPU are free again for trials.
        work = ray.remote(num_cpus=share["cpu"], num_gpus=share.get("gpu", 0), max_calls=1)(encode_pictures)
        room = max(1, concurrent(share, nodes_there()))
        asked = [[encoding_of(sweep, task) for task in part] for part in parts_of(tasks, room)]
        rest = (sweep.all_seeds, str(home.path), max(1, int(share["cpu"])), dict(known))
        waiting = [work.remote(part, *rest) for part in asked]
        log = _Log(encoding_log(home.path), say)
        found: dict[str, str] = {}
        causes = Causes()
        while waiting:
            ready, waiting = ray.wait(waiting, timeout=1)
            log.tell()
            for answer in ready:
                try:
                    found |= ray.get(answer)
                except RayError as error:
                    cause = getattr(error, "cause", None)
                    if isinstance(cause, SharedCauseError):
                        causes.add(cause.cause)
                        continue
                    # What it has encoded stays; trials say better what is wrong.
                    say(f"could not encode beforehand: {str(error).strip().splitlines()[-1]}")
        if causes:
            raise causes.error
        return found

    return look


def parts_of(tasks: Sequence[Task], most: int) -> list[list[Task]]:
    """Tasks for at most so many workers; those that share pictures under one encoder go to the same."""
    groups: dict[tuple[Any, ...], list[Task]] = {}
    for task in tasks:
        groups.setdefault((task.backbone, task.root, task.dataset), []).append(task)
    parts: list[list[Task]] = [[] for _ in range(min(most, len(groups)))]
    for number, group in enumerate(groups.values()):
        parts[number % len(parts)] += group
    return parts


def encoding_of(sweep: Sweep, task: Task) -> Plain:
    """What a worker is asked to encode: a task, and views, precision and kinds of features of its trials."""
    parts = CrossSection(sweep.method, sweep.space)
    cell = (task.dataset, task.shots)
    views = parts.possible("views", cell=cell)[0]
    if views == "epochs":
        views = parts.possible("epochs", cell=cell)[0]
    precision = parts.possible("precision", cell=cell)[0]
    reads = [
        reads_of({"prompt": kind, LAST: last}, sweep.method.kinds)
        for kind in parts.possible("prompt", cell=cell)
        for last in parts.possible(LAST, cell=cell)
    ]
    if sweep.search.baselines:
        reads.append(POOLED)
    kinds = list(dict.fromkeys(reads))
    return {"task": asdict(task), "views": int(views), "precision": precision, "reads": kinds}


def _share(sweep: Sweep, session: RaySession) -> dict[str, float]:
    """What one encoding worker takes of the cluster, in Ray's words.

    Nothing else is running yet: on a cluster of our own each takes a GPU, and its part of the CPUs.
    """
    cluster = session.start()
    nodes = nodes_there()
    trial_resources(sweep.resources, nodes, whole_gpu(nodes))  # Ray would wait for ever.
    wanted = 1.0 if sweep.resources.gpus == "auto" else min(1.0, float(sweep.resources.gpus))
    gpus = wanted if cluster.get("GPU") else 0.0
    cpus = max(1.0, cluster["CPU"] // max(1.0, cluster.get("GPU", 0.0)))
    if not session.own:
        cpus = float(sweep.resources.cpus)
    return {"cpu": cpus, "gpu": gpus} if gpus else {"cpu": cpus}


class _Log:
    """Tells the newest line of what workers write while they encode, not too often."""

    def __init__(self, path: Path, say: SayLine) -> None:
        self._path, self._say = path, say
        self._size = self._length()
        self._told = time.monotonic()

    def _length(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def tell(self) -> None:
        size = self._length()
        if size == self._size or time.monotonic() - self._told < REPORT_EVERY:
            return
        with self._path.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._size)
            lines = log.read().splitlines()
        self._size, self._told = size, time.monotonic()
        if lines:
            self._say(lines[-1].partition("): ")[2])
