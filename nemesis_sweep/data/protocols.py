"""What prompts are learnt on and what they are tested on: one function per protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.episodes import Episode, few_shot_episode
from nemesis_sweep.data.subsets import base_and_new, episode_of_classes, of_classes
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.choices import PROTOCOLS
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.spec.tasks import Task


@dataclass(frozen=True)
class ProtocolSplit:
    """source: the classes that are learnt; its test split is tested on. episodes: one per seed.

    targets: other test sets with class names of their own, by the name that their metrics have.
    """

    source: Dataset
    episodes: tuple[Episode, ...]
    targets: Mapping[str, Dataset]


Load = Callable[[str], Dataset]
Split = Callable[[Dataset, tuple[Episode, ...], Mapping[str, str], Load], ProtocolSplit]


def few_shot(
    dataset: Dataset, episodes: tuple[Episode, ...], targets: Mapping[str, str], load: Load
) -> ProtocolSplit:
    """Learn all classes, test on the same ones."""
    return ProtocolSplit(dataset, episodes, {})


def base_to_new(
    dataset: Dataset, episodes: tuple[Episode, ...], targets: Mapping[str, str], load: Load
) -> ProtocolSplit:
    """Learn the first half of the classes, test on them and on the others (CoCoOp, section 4.1).

    Episodes are drawn on all classes, as published, and filtered here.
    """
    base, new = base_and_new(dataset)
    drawn = tuple(episode_of_classes(episode, base) for episode in episodes)
    return ProtocolSplit(of_classes(dataset, base), drawn, {"new": of_classes(dataset, new)})


def domain_generalization(
    dataset: Dataset, episodes: tuple[Episode, ...], targets: Mapping[str, str], load: Load
) -> ProtocolSplit:
    """Learn on one dataset, test on it and on others whose class lists may be shorter (CoOp, section 4.2)."""
    return ProtocolSplit(dataset, episodes, {name: _target(load(own)) for name, own in targets.items()})


def arrange(task: Task, seeds: Sequence[int], load: Load) -> ProtocolSplit:
    """What a task trains on and is tested on. load: gives a dataset by name.

    Raises ``UserError`` for a dataset that is not there or does not fit the protocol.
    """
    dataset = load(task.dataset)
    episodes = tuple(few_shot_episode(dataset, task.shots, seed, task.val_shots) for seed in seeds)
    split: Split = part_at(PROTOCOLS[task.protocol].split)
    return split(dataset, episodes, task.tested, load)


def _target(dataset: Dataset) -> Dataset:
    if not len(dataset.test):
        raise UserError(Problem("nothing to test on", key="tasks.targets", found=dataset.name))
    return dataset
