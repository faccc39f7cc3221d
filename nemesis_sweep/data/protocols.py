"""What prompts are learnt on and what they are tested on: one function per protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.episodes import Episode, few_shot_episode
from nemesis_sweep.data.subsets import base_and_new, episode_of_classes, of_classes
from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.tasks import Task, slug


@dataclass(frozen=True)
class Arrangement:
    """source: the classes that are learnt; its test split is tested on. episodes: one per seed.

    targets: other test sets with class names of their own, by the name that their metrics have.
    """

    source: Dataset
    episodes: tuple[Episode, ...]
    targets: Mapping[str, Dataset]


Load = Callable[[str], Dataset]
Arrange = Callable[[Dataset, int, Sequence[int], Sequence[str], Load], Arrangement]


def few_shot(
    dataset: Dataset, shots: int, seeds: Sequence[int], targets: Sequence[str], load: Load
) -> Arrangement:
    """Learn all classes, test on the same ones."""
    return Arrangement(dataset, _episodes(dataset, shots, seeds), {})


def base_to_new(
    dataset: Dataset, shots: int, seeds: Sequence[int], targets: Sequence[str], load: Load
) -> Arrangement:
    """Learn the first half of the classes, test on them and on the others (CoCoOp, section 4.1).

    Episodes are drawn on all classes, as published, and filtered afterwards.
    """
    base, new = base_and_new(dataset)
    episodes = tuple(episode_of_classes(e, base) for e in _episodes(dataset, shots, seeds))
    return Arrangement(of_classes(dataset, base), episodes, {"new": of_classes(dataset, new)})


def domain_generalization(
    dataset: Dataset, shots: int, seeds: Sequence[int], targets: Sequence[str], load: Load
) -> Arrangement:
    """Learn on one dataset, test on it and on others whose class lists may be shorter (CoOp, section 4.2)."""
    tested = {slug(name): _target(load(name)) for name in targets}
    return Arrangement(dataset, _episodes(dataset, shots, seeds), tested)


PROTOCOLS: dict[str, Arrange] = {
    "few_shot": few_shot,
    "base_to_new": base_to_new,
    "domain_generalization": domain_generalization,
}


def arrange(task: Task, seeds: Sequence[int], load: Load) -> Arrangement:
    """What a task trains on and is tested on. load: gives a dataset by name.

    Raises ``UserError`` for a dataset that is not there or does not fit the protocol.
    """
    return PROTOCOLS[task.protocol](load(task.dataset), task.shots, seeds, task.targets, load)


def _episodes(dataset: Dataset, shots: int, seeds: Sequence[int]) -> tuple[Episode, ...]:
    return tuple(few_shot_episode(dataset, shots, seed) for seed in seeds)


def _target(dataset: Dataset) -> Dataset:
    if not len(dataset.test):
        raise UserError(Problem("nothing to test on", key="tasks.targets", found=dataset.name))
    return dataset
