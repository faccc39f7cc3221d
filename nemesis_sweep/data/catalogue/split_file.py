"""CoOp's split files, `split_zhou_*.json`: train, val and test lists of `[path, label, class name]`."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from nemesis_sweep.data.catalogue.entry import Layout, Listing
from nemesis_sweep.data.classnames import clean, in_order
from nemesis_sweep.data.dataset import SPLITS
from nemesis_sweep.data.lists import read_json
from nemesis_sweep.messages.errors import Problem, UserError


def split_file_layouts(file: str, *places: tuple[str, str]) -> tuple[Layout, ...]:
    """One layout for each place, a folder below the data root and the image folder in it ('.': the same)."""
    return tuple(
        Layout(f"CoOp's {file}", folder, _needs(images, file), partial(_read, file, images))
        for folder, images in places
    )


def _needs(images: str, file: str) -> tuple[str, ...]:
    return (file,) if images == "." else (images, file)


def _read(file: str, images: str, folder: Path) -> Listing:
    return read_split_file(folder / file, folder / images)


def read_split_file(path: Path, images: Path) -> Listing:
    """The listing of a split file; its paths are below ``images``.

    Raises ``UserError`` when it is not a split file, or when its labels are not 0..C-1 with one name each.
    """
    data = read_json(path, "split file")
    names: dict[int, str] = {}
    splits = {split: _rows(data, split, names, path) for split in SPLITS}
    return Listing(in_order(names, path), splits, images)


def _rows(data: Any, split: str, names: dict[int, str], path: Path) -> list[tuple[str, int]]:
    """The rows of one split; ``names`` takes in the class names."""
    rows = data.get(split) if isinstance(data, Mapping) else None
    if not isinstance(rows, list):
        raise UserError(Problem(f"no list {split!r}", file=str(path), allowed=", ".join(SPLITS)))
    taken = []
    for number, row in enumerate(rows):
        try:
            file, label, name = str(row[0]), int(row[1]), clean(str(row[2]))
        except (TypeError, ValueError, IndexError, KeyError, OverflowError) as error:
            where, allowed = f"{split}[{number}]", "[path, label, class name]"
            raise UserError(Problem("not a row", where, str(path), None, str(row)[:80], allowed)) from error
        if names.setdefault(label, name) != name:
            found = f"{names[label]!r} and {name!r}"
            raise UserError(
                Problem(f"label {label} has two names", f"{split}[{number}]", str(path), None, found)
            )
        taken.append((file, label))
    return taken
