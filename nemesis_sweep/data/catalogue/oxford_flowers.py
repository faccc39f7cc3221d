"""Flowers102: 102 flowers of Britain."""

from pathlib import Path

from nemesis_sweep.data.catalogue.entry import Entry, Layout, Listing
from nemesis_sweep.data.catalogue.matlab import read_matlab
from nemesis_sweep.data.catalogue.split_file import split_file_layouts
from nemesis_sweep.data.classnames import clean, in_order
from nemesis_sweep.data.lists import read_json
from nemesis_sweep.messages.errors import Problem, UserError

FOLDERS = ("oxford_flowers", "flowers-102")
"""CoOp's and torchvision's."""
NAMES = "cat_to_name.json"
SETS = {"train": "trnid", "val": "valid", "test": "tstid"}


def _official(folder: Path) -> Listing:
    """The official sets (1020 train, 1020 val, 6149 test); images and labels count from 1."""
    labels = read_matlab(folder / "imagelabels.mat", "labels").reshape(-1)
    names = _names(folder)
    splits = {}
    for split, variable in SETS.items():
        numbers = read_matlab(folder / "setid.mat", variable).reshape(-1)
        splits[split] = [(f"image_{number:05d}.jpg", int(labels[number - 1]) - 1) for number in numbers]
    highest = max(label for rows in splits.values() for _, label in rows)
    if highest >= len(names):
        raise UserError(
            Problem(
                "a label without a class name", file=str(folder / "imagelabels.mat"), found=str(highest + 1)
            )
        )
    return Listing(names[: highest + 1], splits, folder / "jpg")


def _names(folder: Path) -> list[str]:
    """Class names in the order of labels: CoOp's file where it is, else torchvision's list."""
    path = folder / NAMES
    if not path.exists():
        from torchvision.datasets import Flowers102

        return [clean(name) for name in Flowers102.classes]
    try:
        by_number = {int(number): clean(name) for number, name in read_json(path).items()}
    except (ValueError, AttributeError) as error:
        raise UserError(Problem(f"cannot read the class names: {error}", file=str(path))) from error
    return in_order(by_number, path, first=1)


ENTRY = Entry(
    name="oxford_flowers",
    title="Flowers102",
    classes=102,
    images=(4093, 1633, 2463),
    layouts=(
        *split_file_layouts("split_zhou_OxfordFlowers.json", *((folder, "jpg") for folder in FOLDERS)),
        *(
            Layout("official sets (setid.mat)", folder, ("jpg", "imagelabels.mat", "setid.mat"), _official)
            for folder in FOLDERS
        ),
    ),
    template="a photo of a {}, a type of flower.",
    torchvision="Flowers102",
)
