"""What a sweep will cost, from a few steps of some of its trials on this machine. Nothing is kept.

Measured are training steps, validation, test and the encoding of a few pictures; the rest is arithmetic.
"""

import math
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nemesis_sweep.data.encode import encode_items
from nemesis_sweep.data.protocols import ProtocolSplit
from nemesis_sweep.data.store import missing_pictures
from nemesis_sweep.data.views import CENTRE
from nemesis_sweep.spec.baselines import trains_prompt
from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.spec.draw import random_point
from nemesis_sweep.spec.kinds import is_row
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.reads import Reads, number_bytes
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.cluster.shares import concurrent, trial_resources
from nemesis_sweep.sweep.space.baselines import (
    baseline_method,
    most_confirmations,
    most_controls,
    outside_the_space,
)
from nemesis_sweep.sweep.space.planned import keeps, trials_of
from nemesis_sweep.sweep.worker import worker_cache
from nemesis_sweep.sweep.worker.dry_run import Costs, dry_run
from nemesis_sweep.sweep.worker.gpu_memory import Memory, measure_memory
from nemesis_sweep.vlm.backbone import Backbone

POINTS, TRIES = 3, 100
"""Points of the space that are tried per task, and random points looked at to find those that may be."""

PER_TRIAL, PER_REPORT = 0.3, 0.05
"""Seconds beside training: handing out and recording a trial; a checkpoint and its report. See
`nemesis-sweep bench overhead`."""

START = 20.0
"""Seconds until Ray and its first worker are ready."""

PICTURES = 32
"""Pictures that are encoded to see how long one takes."""


Encoding = dict[tuple[str, str, Reads, int, int], tuple[set[bytes], float]]
"""Pictures without features, and seconds that a view of one takes: by backbone, precision, kind of features,
numbers in those of a view, and number of views."""


@dataclass(frozen=True)
class StudyForecast:
    """One study. low, mean, high: seconds of a trial. memory: bytes that a trial takes.

    trials: all that train a prompt, baselines too; what zero-shot and its like take is nothing beside them.
    testing: seconds of a trial, on average, that are validation and test. confirmations: trials beside these,
    and as how many of them one counts, by its replicates.
    """

    study: str
    trials: int
    low: float
    mean: float
    high: float
    memory: int
    testing: float = 0.0
    confirmations: int = 0
    confirmation: float = 1.0

    @property
    def equal(self) -> float:
        """Trials with the sweep's replicates that take as long as all of them."""
        return self.trials + self.confirmations * self.confirmation


@dataclass(frozen=True)
class Forecast:
    """A whole sweep.

    views, encoding: image views that are not in the cache yet, and the seconds that they take one worker.
    features: bytes that they will take in the cache.
    at_once: trials that this machine runs at once. on_gpu: whether memory is a GPU's or the process's own.
    """

    studies: tuple[StudyForecast, ...]
    views: int
    encoding: float
    at_once: int
    on_gpu: bool
    features: int = 0

    def seconds(self, which: str = "mean") -> float:
        """Time of all trials together; ``low`` and ``high``: all were like the cheapest, or the dearest."""
        return self.encoding + sum(study.equal * getattr(study, which) for study in self.studies)

    @property
    def testing(self) -> float:
        """Time of all validations and tests together."""
        return sum(study.equal * study.testing for study in self.studies)

    def wall(self, which: str = "mean") -> float:
        """Seconds from start to end, with as many trials at once as fit; one process encodes at a time."""
        return START + self.encoding + (self.seconds(which) - self.encoding) / self.at_once


def forecast(sweep: Sweep) -> Forecast:
    """Probe every task and add up. Raises ``UserError`` for what the sweep itself would refuse."""
    import torch

    torch.set_num_threads(max(1, int(sweep.resources.cpus)))
    probed: dict[Task, list[Probed]] = {}
    encoding: Encoding = {}
    studies = []
    largest = Memory(0, 0, 1)
    for study, tasks in sweep.studies().items():
        methods = [_methods(sweep, task, tasks) for task in tasks]
        tried, tested = [], 0.0
        for task, own in zip(tasks, methods, strict=True):
            alike = _costs_as(task, own)
            if alike not in probed:
                probed[alike] = [_probe(sweep, task, method) for method in own]
            found = probed[alike]
            largest = max([largest, *(each.memory for each in found)], key=lambda memory: memory.peak)
            tried.append([_trial_seconds(sweep, task, m, p.costs) for m, p in zip(own, found, strict=True)])
            each = [_testing_seconds(sweep, m, p.costs) for m, p in zip(own, found, strict=True)]
            tested += sum(each) / len(each)
            # One method for each kind of features that prompts of the sweep read.
            for method in {each.reads: each for each in reversed(own)}.values():
                _note_encoding(sweep, task, method, encoding)
        beside = list(filter(trains_prompt, outside_the_space(sweep, tasks)))
        trials = trials_of(sweep, tasks) + len(beside) + most_controls(sweep)
        pairs = zip(tasks, methods, strict=True)
        memory = max(each.bytes_of_process for task, own in pairs for each in probed[_costs_as(task, own)])
        sums = [sum(each) for each in zip(*tried, strict=True)]
        mean = sum(sums) / len(sums)
        more = len(sweep.confirm_seeds) / sweep.tasks.replicates
        studies.append(
            StudyForecast(
                study, trials, min(sums), mean, max(sums), memory, tested, most_confirmations(sweep), more
            )
        )
    return Forecast(
        tuple(studies),
        views=sum(views * len(keys) for (*_, views), (keys, _) in encoding.items()),
        encoding=sum(views * len(keys) * each for (*_, views), (keys, each) in encoding.items()),
        at_once=_at_once(sweep, largest),
        on_gpu=_on_gpu(sweep),
        features=sum(
            number_bytes(reads) * size * views * len(keys)
            for (_, _, reads, size, views), (keys, _) in encoding.items()
        ),
    )


@dataclass(frozen=True)
class Probed:
    """What one trial's parts cost."""

    costs: Costs
    memory: Memory
    on_gpu: bool

    @property
    def bytes_of_process(self) -> int:
        """Of the GPU, or of the process with all its image features."""
        return self.memory.peak + (0 if self.on_gpu else self.costs.held)


def _costs_as(task: Task, methods: Sequence[Method]) -> Task:
    """The task that stands for this one: more shots are more steps, but a step costs the same. Of rows
    without a prompt the whole is measured."""
    shots = task.shots if any(is_row(method.prompt) for method in methods) else 0
    return replace(task, shots=shots, name="")


def _methods(sweep: Sweep, task: Task, tasks: Sequence[Task]) -> list[Method]:
    """What is tried of a task: random points of the space, the same ones for every task of a study."""
    rng = random.Random(sweep.search.seed)
    points = (random_point(sweep.space, rng) for _ in range(TRIES))
    kept = [point for point in points if keeps(sweep, tasks, point)][:POINTS]
    methods = [configuration(sweep, task, point) for point in kept]
    return methods or [baseline_method(sweep, task, "paper")]


def _probe(sweep: Sweep, task: Task, method: Method) -> Probed:
    backbone, arranged = _materials(sweep, task, method)
    found: list[Costs] = []

    def run() -> None:
        found.append(dry_run(backbone, arranged, method, sweep.search.corrupt))

    memory = measure_memory(run, _machine_bytes(), not _on_gpu(sweep))
    return Probed(found[0], memory, _on_gpu(sweep))


def _materials(sweep: Sweep, task: Task, method: Method) -> tuple[Backbone, ProtocolSplit]:
    arranged = worker_cache.arranged(task, tuple(sweep.tasks.seeds))
    if _on_gpu(sweep):
        return worker_cache.towers(task.backbone, method.precision, task.start), arranged
    frozen = worker_cache.backbone(task.backbone, task.start).to(precision=method.precision)
    return frozen, arranged


def _on_gpu(sweep: Sweep) -> bool:
    """Whether trials train on a GPU: with `gpus: 0` they do not, though there may be one."""
    return sweep.resources.gpus != 0 and worker_cache.device() != "cpu"


def _trial_seconds(sweep: Sweep, task: Task, method: Method, costs: Costs) -> float:
    train = len(worker_cache.arranged(task, tuple(sweep.tasks.seeds)).episodes[0].train)
    steps = method.epochs * max(1, train // method.batch)
    reports = math.ceil(method.epochs / sweep.search.eval_every)
    working = costs.whole + steps * costs.step + _testing_seconds(sweep, method, costs)
    return working + reports * PER_REPORT + PER_TRIAL


def _testing_seconds(sweep: Sweep, method: Method, costs: Costs) -> float:
    """Validations and the test of one trial, with its corrupted prompts."""
    tested = costs.test + costs.corruption
    return math.ceil(method.epochs / sweep.search.eval_every) * costs.validation + tested


def _note_encoding(sweep: Sweep, task: Task, method: Method, found: Encoding) -> None:
    """Add the pictures of a task whose features are not in the cache, and how long a view of one takes."""
    backbone, _ = _materials(sweep, task, method)
    arranged = worker_cache.arranged(task, tuple(sweep.all_seeds))
    views = method.epochs if method.views == "epochs" else int(method.views)
    centre = [item for episode in arranged.episodes for item in episode.val] + list(arranged.source.test)
    centre += [item for target in arranged.targets.values() for item in target.test]
    train = [item for episode in arranged.episodes for item in episode.train]
    for number, items in ((views, train), (1, centre)):
        reads = method.reads
        missing = missing_pictures(backbone, number, items, reads=reads)
        if not missing:
            continue
        size = math.prod(backbone.image_shape(reads))
        key = (task.backbone, method.precision, reads, size, number)
        if key not in found:
            found[key] = (set(), _view_seconds(backbone, arranged, reads))
        found[key][0].update(missing)


def _view_seconds(backbone: Backbone, arranged: ProtocolSplit, reads: Reads) -> float:
    items = arranged.source.test[:PICTURES]
    encode_items(backbone, items[:1], [CENTRE], reads=reads)
    started = time.perf_counter()
    encode_items(backbone, items, [CENTRE], reads=reads)
    return (time.perf_counter() - started) / len(items)


def _at_once(sweep: Sweep, largest: Memory) -> int:
    """Trials that this machine runs at once. Raises ``UserError`` where not even one fits."""
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    here = [{"CPU": float(_cpus()), "GPU": float(gpus)}]
    fits = concurrent(trial_resources(sweep.resources, here, largest.share if gpus else 0.0), here)
    return fits if sweep.resources.concurrent == "auto" else min(fits, sweep.resources.concurrent)


def _cpus() -> int:
    """Those that this process may use; macOS does not tell, and has them all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _machine_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
