"""From labelled images to a dataset: what tables and class folders of the user's own have in common."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nemesis_sweep.data.classnames import clean
from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE, SPLITS, Dataset, Item
from nemesis_sweep.data.division import THREE_WAYS, VAL_FROM_TRAIN, divide, part_val_from
from nemesis_sweep.data.own.class_names import NUMBER, alike, called, check_names
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
"""What people call the splits."""
VAL_AS_TEST = f"val serves as test; {VAL_FROM_TRAIN}"
NOTHING_TO_LEARN = "given, without train"

Placed = list[tuple[Item, int]]
"""Items and their labels."""


@dataclass(frozen=True)
class Row:
    """One image: an item without its label, its class (a number where names are known), its split or ''.

    called: what a table's column ``name`` calls the class. line: of the table, for messages.
    """

    item: Item
    label: int | str
    split: str = ""
    called: str = ""
    line: int | None = None


def file_item(written: str, table: Path, where: str, line: int | None) -> Item:
    """An item of a file that a table names; paths count from the table's folder, and may be written as
    Windows does.

    Raises ``UserError`` for a text that is no path.
    """
    try:
        path = table.parent / Path(written).expanduser()
        os.fsencode(path)
    except (RuntimeError, UnicodeEncodeError):  # `~name` of nobody here, or half a character.
        path = table.parent / written
    if "\0" in written:
        raise UserError(Problem("not a path", where, str(table), line, repr(written)))
    if "\\" in written and not path.exists() and (plain := Path(str(path).replace("\\", "/"))).exists():
        path = plain
    return Item(0, str(path), path=path)


def split_in(name: str) -> str:
    """The split that a word of a name stands for; '' where none does, or several do."""
    words = re.split(r"[^a-z]+", name.lower())
    splits = {SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS}
    return splits.pop() if len(splits) == 1 else ""


def split_of(word: str, where: str, file: Path) -> str:
    """The split that a word stands for. Raises ``UserError`` for one that stands for none."""
    split = SPLIT_WORDS.get(word.strip().lower())
    if split is None:
        problem = Problem("an unknown split", where, str(file), None, repr(word), ", ".join(SPLIT_WORDS))
        raise UserError(problem)
    return split


def dataset_of(
    name: str,
    rows: Sequence[Row],
    path: Path,
    classnames: Sequence[str] = (),
    template: str = DEFAULT_TEMPLATE,
    *,
    what: str = "labels",
    notes: Sequence[str] = (),
    shipped: bool = False,
) -> Dataset:
    """A dataset of the rows. Without ``classnames`` the rows' labels are names: the classes, sorted.

    what: that carries the class names, for messages. notes: what the reader has to say of the data.
    shipped: whether it ships with the package, whose names stay as they are (`digits` has numbers).
    One rule for the splits: without any, or with train alone, the images are divided by us; a missing val is
    taken from train; a missing test is val; without train there is nothing to learn, but a target.
    Raises ``UserError`` when some rows have a split and others none, and for class names that are no names.
    """
    if not rows:
        raise UserError(Problem("no images", file=str(path)))
    labels = list(classnames) or _in_order({str(row.label) for row in rows})
    if 0 < (without := sum(not row.split for row in rows)) < len(rows):
        message = "some images have a split and others have none"
        raise UserError(Problem(message, file=str(path), found=f"{without} without"))
    column, told = _column(rows, labels, path)
    names, more = called(labels, path, column)
    if not shipped:
        check_names(labels, names, what, path, rows[0].line)
    place = {each: label for label, each in enumerate(labels)}
    splits: dict[str, Placed] = {split: [] for split in ("", *SPLITS)}
    for row in rows:
        label = row.label if isinstance(row.label, int) else place[row.label]
        splits[row.split].append((replace(row.item, label=label), label))
    divided, split = _completed(splits)
    cleaned = tuple(clean(each) for each in names)
    return Dataset(
        name=name,
        classnames=cleaned,
        template=template,
        splits={split: [item for item, _ in divided[split]] for split in SPLITS},
        split=split,
        folder=path if path.is_dir() else path.parent,
        notes=(*notes, *told, *more, *alike(names), *_without_images(cleaned, divided)),
    )


def _in_order(labels: set[str]) -> list[str]:
    """Labels in alphabetical order; by their value where all are whole numbers."""
    return (
        sorted(labels, key=lambda each: (int(each), each))
        if all(each.isdecimal() for each in labels)
        else sorted(labels)
    )


def _column(rows: Sequence[Row], labels: Sequence[str], path: Path) -> tuple[dict[str, str], list[str]]:
    """Names by label from a table's column ``name``; a note where it says something else.

    Raises ``UserError`` where labels are numbers that it gives two names.
    """
    names: dict[str, str] = {}
    for row in rows:
        if not row.called:
            continue
        label = labels[row.label] if isinstance(row.label, int) else row.label
        if names.setdefault(label, row.called) != row.called:
            found = f"{names[label]!r} and {row.called!r}"
            if NUMBER.fullmatch(label):
                message = f"the label {label} has two names"
                raise UserError(Problem(message, "name", str(path), row.line, found))
            return {}, [f"the column `name` is not read: the label {label!r} has two there, {found}"]
    return names, []


def _without_images(names: Sequence[str], splits: Mapping[str, Placed]) -> Iterator[str]:
    """A line on classes that have no image in train or test, where there are such splits."""
    for split in ("train", "test"):
        counts = Counter(label for _, label in splits[split])
        absent = [repr(name) for label, name in enumerate(names) if not counts[label]]
        if absent and counts:
            yield f"{counted(len(absent), 'class', 'classes')} without images in {split}: {listed(absent)}"


def _completed(splits: Mapping[str, Placed]) -> tuple[Mapping[str, Placed], str]:
    """Three splits, and how they came about."""
    train, val, test = (splits[split] for split in SPLITS)
    if not (val or test):
        return divide(splits[""] or train), THREE_WAYS
    if not train:
        return {"train": [], "val": val if test else [], "test": test or val}, NOTHING_TO_LEARN
    if not test:
        kept, part = part_val_from(train)
        return {"train": kept, "val": part, "test": val}, VAL_AS_TEST
    if not val:
        kept, part = part_val_from(train)
        return {"train": kept, "val": part, "test": test}, f"given; {VAL_FROM_TRAIN}"
    return splits, "given"
