"""Some of a dataset's classes, relabelled: the base and the new classes of base-to-new generalisation."""

import math
from collections.abc import Sequence
from dataclasses import replace

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.episodes import Episode
from nemesis_sweep.data.files import labels_of
from nemesis_sweep.messages.errors import Problem, UserError


def base_and_new(dataset: Dataset) -> tuple[list[int], list[int]]:
    """Labels of the base classes, the first ``ceil(C / 2)``, and of the new ones, the rest, as in CoCoOp.

    Raises ``UserError`` for a dataset with one class.
    """
    count = len(dataset.classnames)
    if count < 2:
        message = "base and new classes need two classes or more"
        raise UserError(Problem(message, "tasks.dataset", found=f"{dataset.name} with {count}"))
    base = base_classes(count)
    return list(base), list(range(len(base), count))


def base_classes(count: int) -> range:
    """Labels of the base classes of ``count`` classes."""
    return range(math.ceil(count / 2))


def of_classes(dataset: Dataset, labels: Sequence[int]) -> Dataset:
    """The dataset with these classes only, relabelled from 0 in the order given. Images keep their order."""
    return replace(
        dataset,
        classnames=tuple(dataset.classnames[label] for label in labels),
        splits={split: items_of_classes(items, labels) for split, items in dataset.splits.items()},
    )


def episode_of_classes(episode: Episode, labels: Sequence[int]) -> Episode:
    """What an episode, drawn on all classes as published, holds of these classes, relabelled likewise."""
    train, val = (tuple(items_of_classes(items, labels)) for items in (episode.train, episode.val))
    return replace(episode, train=train, val=val)


def items_of_classes(items: Sequence[Item], labels: Sequence[int]) -> list[Item]:
    """The items of these classes in their order, with the class's place in ``labels`` as label."""
    place = {label: number for number, label in enumerate(labels)}
    return [
        replace(items[number], label=place[label])
        for number, label in enumerate(labels_of(items))
        if label in place
    ]
