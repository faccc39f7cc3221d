"""What a worker process keeps between trials: towers, datasets and features, never anything trained."""

from collections import OrderedDict
from functools import lru_cache

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.meter import Report
from nemesis_sweep.data.protocols import Arrangement, arrange
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.training.episode_features import EpisodeFeatures, features_of, target_features
from nemesis_sweep.training.transfer import Target
from nemesis_sweep.vlm.backbone import Backbone, load_backbone

KEPT_FEATURES = 4
_kept: OrderedDict[tuple[Task, tuple[int, ...], int, str], EpisodeFeatures] = OrderedDict()

# Small, so that a sweep over many backbones and datasets does not gather all of them in one process.
backbone = lru_cache(maxsize=2)(load_backbone)
dataset = lru_cache(maxsize=4)(load_dataset)


def device() -> str:
    """Where trials train: on the GPU that this process may see, else on the CPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@lru_cache(maxsize=4)
def _arranged(task: Task, seeds: tuple[int, ...]) -> Arrangement:
    return arrange(task, seeds, lambda name: dataset(name, task.root))


@lru_cache(maxsize=2)
def _towers(name: str, precision: str) -> Backbone:
    return backbone(name).to(precision=precision, device=device())


def _features(
    task: Task, seeds: tuple[int, ...], views: int, precision: str, report: Report | None
) -> EpisodeFeatures:
    key = (task, seeds, views, precision)
    if key not in _kept:
        towers = _towers(task.backbone, precision)
        arranged = _arranged(task, seeds)
        made = features_of(arranged.source, arranged.episodes, towers, views, report)
        while len(_kept) >= KEPT_FEATURES:
            _kept.popitem(last=False)
        _kept[key] = made
    _kept.move_to_end(key)
    return _kept[key]


def materials(
    task: Task, seeds: tuple[int, ...], method: Method, report: Report | None = None
) -> tuple[Backbone, Dataset, EpisodeFeatures]:
    """The backbone, the dataset and the episodes' features of a task, loaded once per process.

    The towers are in the method's precision and on this process's device. ``report`` gets lines about what
    has to be encoded first.
    """
    views = method.epochs if method.views == "epochs" else int(method.views)
    features = _features(task, seeds, views, method.precision, report)
    return _towers(task.backbone, method.precision), _arranged(task, seeds).source, features


@lru_cache(maxsize=4)
def _targets(task: Task, seeds: tuple[int, ...], precision: str) -> dict[str, Target]:
    towers = _towers(task.backbone, precision)
    tested = _arranged(task, seeds).targets
    return {name: Target(data, *target_features(data, towers)) for name, data in tested.items()}


def targets(task: Task, seeds: tuple[int, ...], method: Method) -> dict[str, Target]:
    """The test sets that the task's protocol adds to its own, their features looked up."""
    return _targets(task, seeds, method.precision)


def forget() -> None:
    """Drop everything, so that a test can start cold."""
    for cached in (backbone, dataset, _arranged, _towers, _targets):
        cached.cache_clear()
    _kept.clear()
