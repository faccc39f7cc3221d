"""Hugging Face `datasets` saved to disk, read as what they are: Arrow streams. The package is not needed."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.lists import check_file, read_json
from nemesis_sweep.data.own.rows import SPLIT_WORDS, Row, dataset_of
from nemesis_sweep.data.own.tables import check_columns, rows_of, same_classes, unreadable
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed

ALLOWED = "what `save_to_disk` of a Dataset or DatasetDict wrote, with columns image and label"


def read_saved(name: str, folder: Path, images: bool = True) -> Dataset:
    """A Dataset, which we divide, or a DatasetDict with splits. images: without them, what is said of them.

    Raises ``UserError`` when files are missing or cannot be read, or without the columns image and label.
    """
    parts, notes = _parts(folder)
    rows: list[Row] = []
    classnames: list[str] = []
    for split, part in parts:
        for file in _data_files(part):
            table = _read(file)
            check_columns(table.column_names, file)
            classnames = same_classes(classnames, table, file)
            table = table if images else table.drop_columns(["image"])
            rows += rows_of(table, name, classnames, file, folder, split, first=len(rows))
    what = "class names" if classnames else "labels"
    return dataset_of(name, rows, folder, classnames, what=what, notes=notes)


def rows_in(folder: Path) -> int:
    """How many rows there are. Raises ``UserError`` when files are missing or cannot be read."""
    return sum(_read(file).num_rows for _, part in _parts(folder)[0] for file in _data_files(part))


def _parts(folder: Path) -> tuple[list[tuple[str, Path]], list[str]]:
    """Splits and their folders, and a note on those of other names; a single one of these is no split."""
    if not (folder / "dataset_dict.json").exists():
        return [("", folder)], []
    names = _json(folder / "dataset_dict.json").get("splits")
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        file = str(folder / "dataset_dict.json")
        raise UserError(Problem("`splits` must be a list of names", "", file, None, str(names)[:80], ALLOWED))
    if len(names) == 1:
        return [(SPLIT_WORDS.get(names[0].lower(), ""), folder / names[0])], []
    known = [(SPLIT_WORDS[name.lower()], folder / name) for name in names if name.lower() in SPLIT_WORDS]
    others = [name for name in names if name.lower() not in SPLIT_WORDS]
    if not known:
        allowed = ", ".join(SPLIT_WORDS)
        raise UserError(Problem("no split that is known", "", str(folder), None, listed(others), allowed))
    return known, [f"left out, splits of other names: {listed(others)}"] if others else []


def _data_files(folder: Path) -> list[Path]:
    state = _json(folder / "state.json")
    if state.get("_indices_data_files"):
        raise UserError(
            Problem("a selection of rows that is not written out", file=str(folder), allowed=ALLOWED)
        )
    try:
        return [folder / str(each["filename"]) for each in state["_data_files"]]
    except (KeyError, TypeError) as error:
        problem = Problem("no list of data files", file=str(folder / "state.json"), allowed=ALLOWED)
        raise UserError(problem) from error


def _read(file: Path) -> pa.Table:
    check_file(file, "Arrow file")
    try:
        with pa.memory_map(str(file)) as source:
            return pa.ipc.open_stream(source).read_all()
    except (OSError, pa.ArrowException) as error:
        raise unreadable(file, "Arrow", error) from error


def _json(path: Path) -> dict[str, Any]:
    data = read_json(path, "file")
    if not isinstance(data, dict):
        raise UserError(Problem("not a mapping", file=str(path), allowed=ALLOWED))
    return data
