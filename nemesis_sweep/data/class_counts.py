"""How many images each class of a dataset has, by split; no image is opened."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nemesis_sweep.data.own.torchvision_names import PREFIX
from nemesis_sweep.data.registry import EMBEDDED, FOLDER, load_dataset, missing_data
from nemesis_sweep.messages.errors import UserError

if TYPE_CHECKING:
    from nemesis_sweep.data.dataset import Dataset

SHIPPED_COUNTS = FOLDER / "counts.json"
"""Those of the sets that ship, so that nobody who only looks has to import what reads Parquet."""


@dataclass(frozen=True)
class ClassCounts:
    """splits: train, val and test -> images of each class, in the order of classnames."""

    classnames: tuple[str, ...]
    splits: Mapping[str, tuple[int, ...]]

    @property
    def most(self) -> int:
        """Training images of the largest class."""
        return max(self.splits.get("train", ()), default=0)


def class_counts(name: str, root: str | Path | None = None) -> ClassCounts:
    """Count the images of a dataset by its name. Raises ``UserError`` for one that cannot be listed."""
    if name not in EMBEDDED:
        return counts_of(load_dataset(name, root))
    known = json.loads(SHIPPED_COUNTS.read_text(encoding="utf-8"))[name]
    splits = {split: tuple(counts) for split, counts in known["splits"].items()}
    return ClassCounts(tuple(known["classnames"]), splits)


def counts_here(name: str, root: str | Path | None = None) -> ClassCounts | None:
    """Count the images of a dataset if it is there and can be listed without torch; else None."""
    # torchvision would have to be imported to know.
    if name.startswith(PREFIX) or missing_data(name, root):
        return None
    try:
        return class_counts(name, root)
    except UserError:
        return None  # What is wrong with it is told elsewhere.


def counts_of(dataset: Dataset) -> ClassCounts:
    """Count the images of a dataset's lists."""
    from nemesis_sweep.data.files import labels_of

    splits = {}
    for split, items in dataset.splits.items():
        found = Counter(labels_of(items))
        splits[split] = tuple(found[label] for label in range(len(dataset.classnames)))
    return ClassCounts(dataset.classnames, splits)
