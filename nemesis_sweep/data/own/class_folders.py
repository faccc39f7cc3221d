"""A folder of class folders, with or without train, val and test around them."""

from pathlib import Path

from nemesis_sweep.data.catalogue.listing import class_folders, images_in
from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.own.rows import SPLIT_WORDS, Row, dataset_of
from nemesis_sweep.spec.errors import Problem, UserError

EXPECTED = "FOLDER/CLASS/image.jpg, or FOLDER/{train,val,test}/CLASS/image.jpg"


def read_class_folders(name: str, folder: Path) -> Dataset:
    """Classes are the folders' names, sorted; so are the images of each.

    Raises ``UserError`` when the folder holds no class folders with images.
    """
    below = class_folders(folder)
    split_folders = [each for each in below if each.lower() in SPLIT_WORDS]
    if split_folders and len(split_folders) < len(below):
        others = ", ".join(each for each in below if each not in split_folders)[:80]
        raise UserError(
            Problem("class folders beside splits", file=str(folder), found=others, allowed=EXPECTED)
        )
    rows: list[Row] = []
    for each in split_folders or [""]:
        rows += _rows(folder, each)
    if not rows:
        raise UserError(Problem("no images in class folders", file=str(folder), allowed=EXPECTED))
    return dataset_of(name, rows, folder)


def _rows(folder: Path, split_folder: str) -> list[Row]:
    place = folder / split_folder
    split = SPLIT_WORDS.get(split_folder.lower(), "")
    return [
        Row(Item(0, str(place / each / file), path=place / each / file), each, split)
        for each in class_folders(place)
        for file in images_in(place / each)
    ]
