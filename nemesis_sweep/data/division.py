"""Train, val and test for data that comes without them: the same division on every machine."""

import random
from collections.abc import Sequence
from typing import TypeVar

SEED = 0
TRAIN, VAL = 0.5, 0.2
VAL_OF_TRAIN = 0.2
THREE_WAYS = f"our 50/20/30 of each class (seed {SEED})"
VAL_FROM_TRAIN = f"val: our 20 % of train, by class (seed {SEED})"

Row = TypeVar("Row", bound=tuple[object, int])
"""Anything, and its label."""


def divide(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """50 % of each class for train, 20 % for val, the rest for test: the shares of CoOp's own splits.

    Every class has at least one training image, and a test image when it has two.
    """
    splits: dict[str, list[Row]] = {"train": [], "val": [], "test": []}
    for group in _shuffled(rows):
        n_train = max(1, round(len(group) * TRAIN))
        n_val = min(round(len(group) * VAL), max(0, len(group) - n_train - 1))
        splits["train"] += group[:n_train]
        splits["val"] += group[n_train : n_train + n_val]
        splits["test"] += group[n_train + n_val :]
    return splits


def part_val_from(train: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Train and val from a training list, 20 % of each class for val, as CoOp does where val is missing."""
    kept: list[Row] = []
    val: list[Row] = []
    for group in _shuffled(train):
        n_val = min(max(1, round(len(group) * VAL_OF_TRAIN)), len(group) - 1)
        val += group[:n_val]
        kept += group[n_val:]
    return kept, val


def _shuffled(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each class, in an order that depends only on how many they are."""
    by_label: dict[int, list[Row]] = {}
    for row in rows:
        by_label.setdefault(row[1], []).append(row)
    groups = [by_label[label] for label in sorted(by_label)]
    for group in groups:
        # A generator for each, so that a class with one image more does not change the others.
        random.Random(SEED).shuffle(group)
    return groups
