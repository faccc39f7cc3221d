"""Few-shot episodes that equal the published ones."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.files import labels_of
from nemesis_sweep.spec.counting import counted
from nemesis_sweep.spec.errors import Problem, UserError

MAX_VAL_SHOTS = 4


@dataclass(frozen=True)
class Episode:
    """The few-shot train and validation items of one (dataset, shots, seed), in their published order.

    val_from: the split that the validation items are from: val, or train where the dataset has no val.
    """

    train: tuple[Item, ...]
    val: tuple[Item, ...]
    shots: int
    seed: int
    val_from: str = "val"


def draw_places(labels: Sequence[int], shots: int, rng: random.Random) -> list[int]:
    """Places of ``shots`` items of each class, classes in the order in which they first appear.

    A class with fewer items gives all of them, in their own order and without using ``rng``.
    """
    by_label: dict[int, list[int]] = {}
    for place, label in enumerate(labels):
        by_label.setdefault(label, []).append(place)
    drawn: list[int] = []
    for group in by_label.values():
        drawn += rng.sample(group, shots) if len(group) >= shots else group
    return drawn


def few_shot_episode(dataset: Dataset, shots: int, seed: int) -> Episode:
    """Draw ``shots`` training and ``min(shots, 4)`` validation items a class from one stream of ``seed``.

    This is the published rule: train first, then val, on the same generator. Where there is no val
    (ImageNet), validation items are drawn from what is left of train, never from test.

    Raises ``UserError`` for a dataset without training images, or without any left to validate on.
    """
    if not len(dataset.train):
        message = f"{dataset.name} has no training images"
        raise UserError(Problem(message, "tasks.dataset", allowed="only as a target that is tested on"))
    rng = random.Random(seed)
    labels = labels_of(dataset.train)
    places = draw_places(labels, shots, rng)
    train = tuple(dataset.train[place] for place in places)
    val_shots = min(shots, MAX_VAL_SHOTS)
    if len(dataset.val):
        drawn = draw_places(labels_of(dataset.val), val_shots, rng)
        return Episode(train, tuple(dataset.val[place] for place in drawn), shots, seed)
    taken = set(places)
    rest = [place for place in range(len(labels)) if place not in taken]
    if not rest:
        drawn_of = f"{counted(shots, 'shot')} of train"
        message = f"{dataset.name} has no val, and {drawn_of} would leave nothing to validate on"
        most = max(Counter(labels).values())
        raise UserError(Problem(message, "tasks.shots", found=str(shots), allowed=f"less than {most}"))
    drawn = draw_places([labels[place] for place in rest], val_shots, rng)
    return Episode(train, tuple(dataset.train[rest[place]] for place in drawn), shots, seed, "train")


def incomplete_classes(dataset: Dataset, episode: Episode) -> dict[str, dict[str, int]]:
    """How many images the classes have that have fewer than were asked for: split -> class name -> count.

    Such a class gives all that it has, as published; its items are fewer, those of others stay.
    """
    asked = {"train": episode.shots, "val": min(episode.shots, MAX_VAL_SHOTS)}
    found: dict[str, dict[str, int]] = {}
    for split, items in (("train", episode.train), ("val", episode.val)):
        counts = dict.fromkeys(range(len(dataset.classnames)), 0)
        for item in items:
            counts[item.label] += 1
        short = {dataset.classnames[label]: n for label, n in counts.items() if n < asked[split]}
        if short:
            found[split] = short
    return found
