"""What a worker process keeps between trials: towers, datasets and features, never anything trained."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.data.protocols import ProtocolSplit, arrange
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import LAST
from nemesis_sweep.spec.reads import Reads
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.cause import BACKBONE, DATASET, TASK
from nemesis_sweep.sweep.home.episodes import home_split
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.tested_images import TestedImages
from nemesis_sweep.sweep.worker.beginning import shared_by
from nemesis_sweep.training.episode_features import EpisodeFeatures, features_of, target_features
from nemesis_sweep.training.transfer import Target, own_accuracy
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.registry import located

KEPT_FEATURES, KEPT_BYTES = 4, 2**32
"""Sets of features that a process keeps at most, and their bytes, but for the set that is in use."""
_DECIDE = {"precision", "views", "epochs", "prompt", LAST}
"""Fields of the method that decide which features a trial needs."""
Looked = tuple[EpisodeFeatures, dict[str, Target]]
_kept: OrderedDict[tuple[Task, tuple[int, ...], str, int, str, Reads], Looked] = OrderedDict()

# Small, so that a sweep over many backbones and datasets does not gather all of them in one process.
dataset = lru_cache(maxsize=4)(load_dataset)


@lru_cache(maxsize=2)
def backbone(name: str, start: str = "") -> Backbone:
    """A backbone under the name that the sweep file gives it; a relative path starts in ``start``."""
    return replace(load_backbone(located(name, start)), name=name)


def device() -> str:
    """Where trials train: on the GPU that this process may see, else on the CPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@lru_cache(maxsize=4)
def arranged(task: Task, seeds: tuple[int, ...], home: str = "") -> ProtocolSplit:
    """The classes and episodes of a task, without what the record in the home skips, if there is one."""

    def load(name: str) -> Dataset:
        return dataset(name, task.root)

    return home_split(task, seeds, load, Home(Path(home))) if home else arrange(task, seeds, load)


@lru_cache(maxsize=4)
def tested(task: Task, seeds: tuple[int, ...], home: str) -> dict[str, TestedImages]:
    """The test sets of a task, by the names of the accuracies that are measured on them."""
    drawn, named = arranged(task, seeds, home), task.tested
    sets = {own_accuracy(task.protocol): TestedImages.of(drawn.source, task.dataset, task.root)}
    for name, data in drawn.targets.items():
        sets[f"test/{name}"] = TestedImages.of(data, named.get(name, task.dataset), task.root)
    return sets


@lru_cache(maxsize=2)
def towers(name: str, precision: str, start: str = "") -> Backbone:
    """A backbone in a precision, where trials train."""
    return backbone(name, start).to(precision=precision, device=device())


@lru_cache(maxsize=2)
def scaled(name: str, precision: str, start: str = "", logit_scale: float | None = None) -> Backbone:
    """The same with a task's factor on cosines, where the backbone's weights have none."""
    return towers(name, precision, start).scaled(logit_scale)


def _features(
    task: Task,
    seeds: tuple[int, ...],
    home: str,
    views: int,
    precision: str,
    reads: Reads,
    report: SayLine | None,
) -> Looked:
    key = (task, seeds, home, views, precision, reads)
    if key not in _kept:
        frozen, drawn = towers(task.backbone, precision, task.start), arranged(task, seeds, home)
        made = features_of(drawn.source, drawn.episodes, frozen, views, report, reads)
        tested = drawn.targets.items()
        targets = {name: Target(data, *target_features(data, frozen, report, reads)) for name, data in tested}
        while len(_kept) >= KEPT_FEATURES or (_kept and _bytes((made, targets)) + _held() > KEPT_BYTES):
            _kept.popitem(last=False)
        _kept[key] = made, targets
    _kept.move_to_end(key)
    return _kept[key]


@dataclass(frozen=True)
class Materials:
    """What a trial works with: towers in its precision on this device, the classes that it learns, the
    features of its episodes, and the test sets that its protocol adds."""

    backbone: Backbone
    dataset: Dataset
    features: EpisodeFeatures
    targets: Mapping[str, Target]


def materials(
    task: Task,
    seeds: tuple[int, ...],
    method: Method,
    report: SayLine | None = None,
    home: str = "",
    searched: Collection[str] = (),
) -> Materials:
    """Everything of a task, loaded once per process. home: the sweep's, whose record of episodes may skip
    images; '' for none. report: told what has to be encoded first. searched: the names that are not the same
    for all trials.

    Raises ``SharedCauseError`` for whatever keeps all trials of the task, its backbone or its dataset from
    beginning.
    """
    views = method.epochs if method.views == "epochs" else int(method.views)
    with shared_by(BACKBONE, task.backbone, home):
        backbone(task.backbone, task.start)
    with shared_by(DATASET, task.dataset, home):
        source = arranged(task, seeds, home).source
    with shared_by(TASK, task.key, home, own=not _DECIDE.isdisjoint(searched)):
        frozen = scaled(task.backbone, method.precision, task.start, task.logit_scale)
        reads = method.reads
        features, targets = _features(task, seeds, home, views, method.precision, reads, report)
    return Materials(frozen, source, features, targets)


def forget() -> None:
    """Drop everything, so that a test can start cold."""
    for cached in (backbone, dataset, arranged, tested, towers, scaled):
        cached.cache_clear()
    _kept.clear()


def _held() -> int:
    return sum(map(_bytes, _kept.values()))


def _bytes(looked: Looked) -> int:
    """Bytes of all images of a set of features."""
    features, targets = looked
    images = [features.train, features.val, features.test, *(target.images for target in targets.values())]
    return sum(each.nbytes for each in images)
