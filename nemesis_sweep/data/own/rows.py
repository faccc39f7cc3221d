"""From labelled images to a dataset: what tables and class folders of the user's own have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nemesis_sweep.data.classnames import clean
from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE, SPLITS, Dataset, Item
from nemesis_sweep.data.division import THREE_WAYS, VAL_FROM_TRAIN, divide, part_val_from
from nemesis_sweep.spec.errors import Problem, UserError

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


@dataclass(frozen=True)
class Row:
    """One image: an item without its label, its class (a number where names are known), its split or ''."""

    item: Item
    label: int | str
    split: str = ""


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
    file: Path,
    classnames: Sequence[str] = (),
    template: str = DEFAULT_TEMPLATE,
) -> Dataset:
    """A dataset of the rows. Without ``classnames`` the rows' labels are names: the classes, sorted.

    Rows without a split are divided by us; a missing val is taken from train; a missing test is val.
    Raises ``UserError`` when some rows have a split and others none, or when there is nothing to train on.
    """
    if not rows:
        raise UserError(Problem("no images", file=str(file)))
    names = list(classnames) or sorted({str(row.label) for row in rows})
    labels = {each: label for label, each in enumerate(names)}
    splits: dict[str, list[tuple[Item, int]]] = {split: [] for split in ("", *SPLITS)}
    for row in rows:
        label = row.label if isinstance(row.label, int) else labels[row.label]
        splits[row.split].append((replace(row.item, label=label), label))
    divided, told = _completed(splits, file)
    return Dataset(
        name=name,
        classnames=tuple(clean(each) for each in names),
        template=template,
        splits={split: [item for item, _ in divided[split]] for split in SPLITS},
        split=told,
        folder=file if file.is_dir() else file.parent,
    )


def _completed(
    splits: Mapping[str, list[tuple[Item, int]]], file: Path
) -> tuple[Mapping[str, list[tuple[Item, int]]], str]:
    """Three splits, and how they came about."""
    train, val, test = (splits[split] for split in SPLITS)
    if splits[""]:
        if train or val or test:
            message = "some images have a split and others have none"
            raise UserError(Problem(message, file=str(file), found=f"{len(splits[''])} without"))
        return divide(splits[""]), THREE_WAYS
    if not train or not (val or test):
        found = ", ".join(split for split in SPLITS if splits[split])
        allowed = "no splits at all, or train with test, val or both"
        raise UserError(Problem("splits that do not suffice", file=str(file), found=found, allowed=allowed))
    if not test:
        kept, part = part_val_from(train)
        return {"train": kept, "val": part, "test": val}, VAL_AS_TEST
    if not val:
        kept, part = part_val_from(train)
        return {"train": kept, "val": part, "test": test}, f"given; {VAL_FROM_TRAIN}"
    return splits, "given"
