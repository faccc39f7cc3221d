"""Folders of class folders, listed in sorted order: what a directory gives must not depend on the disk."""

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from nemesis_sweep.data.catalogue.entry import Listing
from nemesis_sweep.data.classnames import clean
from nemesis_sweep.data.division import divide
from nemesis_sweep.data.lists import read_list
from nemesis_sweep.messages.errors import Problem, UserError

SYSTEM_FOLDERS = frozenset(
    {"__macosx", "__pycache__", "@eadir", "lost+found", "$recycle.bin", "system volume information"}
)
"""What systems and programs leave, in lower case; never a class."""
SUFFIXES = frozenset({"jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm"})


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one; a link that leads to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_left_out(folder: str) -> bool:
    """Whether a folder of this name is hidden, or one that systems and programs leave."""
    return folder.startswith(".") or folder.lower() in SYSTEM_FOLDERS


def names_an_image(name: str) -> bool:
    """Whether a file of this name is an image, and not hidden."""
    return not name.startswith(".") and name.rpartition(".")[2].lower() in SUFFIXES


def class_folders(folder: Path, ignored: Collection[str] = ()) -> list[str]:
    """Names of the folders in a folder, sorted; hidden ones and those of systems are left out."""
    try:
        with os.scandir(folder) as found:
            names = [each.name for each in found if is_folder(each)]
    except OSError as error:
        raise UserError(Problem(f"cannot list this folder: {error.strerror}", file=str(folder))) from error
    return sorted({name for name in names if not is_left_out(name)} - set(ignored))


def images_in(folder: Path) -> list[str]:
    """Names of the image files in a folder, sorted; other files and hidden ones are left out."""
    try:
        with os.scandir(folder) as found:
            names = [each.name for each in found]
    except OSError as error:
        raise UserError(Problem(f"cannot list this folder: {error.strerror}", file=str(folder))) from error
    return sorted(filter(names_an_image, names))


def labelled_images(folder: Path, names: list[str], prefix: str = "") -> list[tuple[str, int]]:
    """Images of class folders, and their labels: a folder's place in ``names``. prefix: before each path."""
    return [
        (f"{prefix}{name}/{file}", label)
        for label, name in enumerate(names)
        for file in images_in(folder / name)
    ]


def undivided(
    images: str, ignored: Collection[str] = (), renamed: Mapping[str, str] | None = None
) -> Callable[[Path], Listing]:
    """A reader of class folders without a split, divided by us; ``renamed``: class names for folder names."""

    def read(folder: Path) -> Listing:
        names = class_folders(folder / images, ignored)
        rows = labelled_images(folder / images, names)
        classnames = [clean((renamed or {}).get(name, name)) for name in names]
        return Listing(classnames, divide(rows), folder / images)

    return read


def lines_of(path: Path) -> list[str]:
    """The lines of a list without their ends, empty ones left out."""
    return [line.strip() for line in read_list(path).splitlines() if line.strip()]


def label_in(labels: Mapping[str, int], name: str, path: Path) -> int:
    """The label of a class that a list names. Raises ``UserError`` for a class that is not known."""
    if name not in labels:
        raise UserError(Problem("a class that is not in the list of classes", file=str(path), found=name))
    return labels[name]
