"""Few-shot episodes that equal the published ones."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.files import labels_of
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.tasks import ALL, PUBLISHED, ValShots

MAX_VAL_SHOTS = 4


@dataclass(frozen=True)
class Episode:
    """The few-shot train and validation items of one (dataset, shots, seed), in their published order.

    val_from: the split that the validation items are from: val, or train where the dataset has no val.
    val_shots: how many of each class were asked for, as a sweep file says it.
    """

    train: tuple[Item, ...]
    val: tuple[Item, ...]
    shots: int
    seed: int
    val_from: str = "val"
    val_shots: ValShots = PUBLISHED


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


def few_shot_episode(dataset: Dataset, shots: int, seed: int, val_shots: ValShots = PUBLISHED) -> Episode:
    """Draw ``shots`` training items a class, then validation items, from one stream of ``seed``.

    ``val_shots``: `published`, ``min(shots, 4)`` a class; a number of them a class; or `all`, every item in
    its order, which takes nothing from the stream. Since train is drawn first, it is the published one
    whatever is validated on. Where there is no val (ImageNet), validation items are from what is left of
    train, never from test.

    Raises ``UserError`` for a dataset without training images, or without any left to validate on.
    """
    if not len(dataset.train):
        raise UserError(nothing_to_learn(dataset.name))
    rng = random.Random(seed)
    labels = labels_of(dataset.train)
    places = draw_places(labels, shots, rng)
    train = tuple(dataset.train[place] for place in places)
    if len(dataset.val):
        drawn = _draw_val(labels_of(dataset.val), shots, val_shots, rng)
        val = tuple(dataset.val[place] for place in drawn)
        return Episode(train, val, shots, seed, "val", val_shots)
    taken = set(places)
    rest = [place for place in range(len(labels)) if place not in taken]
    if not rest:
        drawn_of = f"{counted(shots, 'shot')} of train"
        message = f"{dataset.name} has no val, and {drawn_of} would leave nothing to validate on"
        most = max(Counter(labels).values())
        raise UserError(Problem(message, "tasks.shots", found=str(shots), allowed=f"less than {most}"))
    drawn = _draw_val([labels[place] for place in rest], shots, val_shots, rng)
    val = tuple(dataset.train[rest[place]] for place in drawn)
    return Episode(train, val, shots, seed, "train", val_shots)


def _draw_val(labels: Sequence[int], shots: int, val_shots: ValShots, rng: random.Random) -> Sequence[int]:
    if val_shots == ALL:
        return range(len(labels))
    return draw_places(labels, val_shots_of(shots, val_shots), rng)


def val_shots_of(shots: int, val_shots: ValShots) -> int:
    """Validation items of each class that are asked for; of `all`, at least one."""
    if isinstance(val_shots, int):
        return val_shots
    return 1 if val_shots == ALL else min(shots, MAX_VAL_SHOTS)


def nothing_to_learn(name: str) -> Problem:
    """What is said of a dataset without training images that is not a target."""
    allowed = "only as a target that is tested on"
    return Problem(f"{name} has no training images", "tasks.dataset", allowed=allowed)


def incomplete_classes(dataset: Dataset, episode: Episode) -> dict[str, dict[str, int]]:
    """How many images the classes have that have fewer than were asked for: split -> class name -> count.

    Such a class gives all that it has, as published; its items are fewer, those of others stay. Where all of
    val is taken, only a class without any is told.
    """
    asked = {"train": episode.shots, "val": val_shots_of(episode.shots, episode.val_shots)}
    found: dict[str, dict[str, int]] = {}
    for split, items in (("train", episode.train), ("val", episode.val)):
        counts = dict.fromkeys(range(len(dataset.classnames)), 0)
        for item in items:
            counts[item.label] += 1
        short = {dataset.classnames[label]: n for label, n in counts.items() if n < asked[split]}
        if short:
            found[split] = short
    return found
