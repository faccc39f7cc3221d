"""A dataset that a function of one's own makes, checked as those that are read by us are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.outside.reference import line_of, load, refused

if TYPE_CHECKING:
    from nemesis_sweep.data.dataset import Dataset

WANTED = "a function of the data root, or of nothing, that gives a nemesis_sweep.Dataset"


def refuse_no_dataset(place: str) -> None:
    """Raise ``UserError`` where there is no function at `module:name`."""
    found = load(place)
    if not callable(found):
        raise refused(place, "is no function", found, WANTED)


def read_outside(name: str, place: str, root: Path) -> Dataset:
    """The dataset that the function at `module:name` gives, under the name that the sweep file has for it.

    Where it has no val, that is a part of train. Raises ``UserError`` for anything that is no dataset.
    """
    from nemesis_sweep.data.dataset import Dataset

    function: Any = load(place)
    try:
        made = function(root) if signature(function).parameters else function()
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        message = f"makes no dataset: {reason}{line_of(error)}"
        raise refused(place, message, function, WANTED) from error
    if not isinstance(made, Dataset):
        raise refused(place, "gives what is no dataset", made, WANTED)
    _refuse_odd(place, made)
    made = replace(made, classnames=tuple(made.classnames))
    return _with_val(replace(made, name=name, split=made.split or "its own"))


def _refuse_odd(place: str, data: Dataset) -> None:
    names = data.classnames
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise refused(place, "gives class names that are no list", names, "a list of at least two names")
    if len(names) < 2 or len(set(names)) < len(names) or not all(isinstance(n, str) and n for n in names):
        allowed = "at least two, all different, none empty"
        raise refused(place, "gives class names that cannot be used", listed(list(map(str, names))), allowed)
    if not isinstance(data.template, str) or data.template.count("{}") != 1:
        raise refused(
            place, "gives a template without one place for the class name", data.template, "'a {}.'"
        )
    _refuse_odd_splits(place, data)


def _refuse_odd_splits(place: str, data: Dataset) -> None:
    from nemesis_sweep.data.dataset import SPLITS, Item

    allowed = "splits: train, test, perhaps val"
    if not isinstance(data.splits, Mapping) or not set(data.splits) <= set(SPLITS):
        raise refused(place, "gives other splits than there are", data.splits, allowed)
    for split in ("train", "test"):
        if split not in data.splits:
            raise refused(place, f"gives no {split}", list(data.splits), allowed)
    for split, items in data.splits.items():
        if not isinstance(items, Sequence) or (split == "test" and not items):
            raise refused(
                place, f"gives no list of images for {split}", items, "a list of nemesis_sweep.Item"
            )
        if odd := [item for item in items if not isinstance(item, Item)][:1]:
            raise refused(place, f"gives in {split} what is no Item", odd[0], "nemesis_sweep.Item")
        labels = {item.label for item in items}
        whole = all(type(label) is int for label in labels)
        if not whole or not labels <= set(range(len(data.classnames))):
            allowed = f"whole numbers from 0 to {len(data.classnames) - 1}, one for each class name"
            raise refused(
                place, f"gives labels in {split} that no class has", sorted(labels, key=str)[:20], allowed
            )


def _with_val(data: Dataset) -> Dataset:
    from nemesis_sweep.data.division import VAL_FROM_TRAIN, part_val_from

    if "val" in data.splits:
        return data
    items: Sequence[Any] = data.train
    train, val = part_val_from([(item, item.label) for item in items])
    parts = {"train": [item for item, _ in train], "val": [item for item, _ in val]}
    return replace(data, splits={**data.splits, **parts}, split=f"{data.split}; {VAL_FROM_TRAIN}")
