"""Food101: 101 dishes. CoOp's folder and torchvision's are the same."""

from pathlib import Path

from nemesis_sweep.data.catalogue.entry import Entry, Layout, Listing
from nemesis_sweep.data.catalogue.split_file import split_file_layouts
from nemesis_sweep.data.classnames import clean
from nemesis_sweep.data.division import VAL_FROM_TRAIN, part_val_from
from nemesis_sweep.data.lists import read_json
from nemesis_sweep.messages.errors import Problem, UserError


def _official(folder: Path) -> Listing:
    """The official lists, `meta/train.json` and `meta/test.json`: image names by class."""
    lists = {split: _read(folder / "meta" / f"{split}.json") for split in ("train", "test")}
    names = sorted({name for by_class in lists.values() for name in by_class})
    rows = {
        split: [(f"{file}.jpg", label) for label, name in enumerate(names) for file in by_class.get(name, ())]
        for split, by_class in lists.items()
    }
    train, val = part_val_from(rows["train"])
    splits = {"train": train, "val": val, "test": rows["test"]}
    return Listing([clean(name) for name in names], splits, folder / "images")


def _read(path: Path) -> dict[str, list[str]]:
    try:
        return {str(name): [str(file) for file in files] for name, files in read_json(path).items()}
    except (AttributeError, TypeError) as error:
        raise UserError(Problem(f"cannot read this list: {error}", file=str(path))) from error


ENTRY = Entry(
    name="food101",
    title="Food101",
    classes=101,
    images=(50500, 20200, 30300),
    layouts=(
        *split_file_layouts("split_zhou_Food101.json", ("food-101", "images")),
        Layout(
            f"official test list; {VAL_FROM_TRAIN}",
            "food-101",
            ("images", "meta/train.json", "meta/test.json"),
            _official,
        ),
    ),
    template="a photo of {}, a type of food.",
    torchvision="Food101",
)
