"""Few-shot episodes that equal the published ones."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from nemesis_sweep.data.dataset import Dataset, Item

MAX_VAL_SHOTS = 4


@dataclass(frozen=True)
class Episode:
    """The few-shot train and validation items of one (dataset, shots, seed), in their published order."""

    train: tuple[Item, ...]
    val: tuple[Item, ...]
    shots: int
    seed: int


def draw(items: Sequence[Item], shots: int, rng: random.Random) -> tuple[Item, ...]:
    """``shots`` items of each class, classes in the order in which they first appear.

    A class with fewer items gives all of them, in their own order and without using ``rng``.
    """
    by_label: dict[int, list[Item]] = {}
    for item in items:
        by_label.setdefault(item.label, []).append(item)
    drawn: list[Item] = []
    for group in by_label.values():
        drawn += rng.sample(group, shots) if len(group) >= shots else group
    return tuple(drawn)


def few_shot_episode(dataset: Dataset, shots: int, seed: int) -> Episode:
    """Draw ``shots`` training and ``min(shots, 4)`` validation items a class from one stream of ``seed``.

    This is the published rule: train first, then val, on the same generator.
    """
    rng = random.Random(seed)
    train = draw(dataset.train, shots, rng)
    val = draw(dataset.val, min(shots, MAX_VAL_SHOTS), rng)
    return Episode(train=train, val=val, shots=shots, seed=seed)
