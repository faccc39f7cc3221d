"""What a worker keeps between trials: towers, datasets and mapped features, never anything trained."""

from functools import lru_cache

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.training.episode_features import EpisodeFeatures, episode_features
from nemesis_sweep.vlm.backbone import Backbone, load_backbone

# Small, so that a sweep over many backbones and datasets does not gather all of them in one process.
backbone = lru_cache(maxsize=2)(load_backbone)
dataset = lru_cache(maxsize=4)(load_dataset)


@lru_cache(maxsize=4)
def _features(task: Task, seeds: tuple[int, ...], views: int) -> EpisodeFeatures:
    return episode_features(dataset(task.dataset), backbone(task.backbone), task.shots, seeds, views)


def materials(
    task: Task, seeds: tuple[int, ...], method: Method
) -> tuple[Backbone, Dataset, EpisodeFeatures]:
    """The backbone, the dataset and the episodes' features of a task, loaded once per process."""
    views = method.epochs if method.views == "epochs" else int(method.views)
    return backbone(task.backbone), dataset(task.dataset), _features(task, seeds, views)


def forget() -> None:
    """Drop everything, so that a test can start cold."""
    for cached in (backbone, dataset, _features):
        cached.cache_clear()
