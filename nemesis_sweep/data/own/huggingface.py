"""Hugging Face `datasets` saved to disk, read as what they are: Arrow streams. The package is not needed."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.data.own.rows import SPLIT_WORDS, Row, dataset_of
from nemesis_sweep.data.own.tables import classnames_in, rows_of
from nemesis_sweep.spec.errors import Problem, UserError

ALLOWED = "what `save_to_disk` of a Dataset or DatasetDict wrote, with columns image and label"


def read_saved(name: str, folder: Path) -> Dataset:
    """A Dataset, which we divide, or a DatasetDict with splits.

    Raises ``UserError`` when files are missing or cannot be read, or without the columns image and label.
    """
    parts = {"": folder}
    if (folder / "dataset_dict.json").exists():
        splits = _json(folder / "dataset_dict.json").get("splits", [])
        parts = {str(each): folder / str(each) for each in splits if str(each).lower() in SPLIT_WORDS}
    rows: list[Row] = []
    classnames: list[str] = []
    for split, part in parts.items():
        for file in _data_files(part):
            table = _read(file)
            classnames = classnames or classnames_in(table, file)
            rows += rows_of(
                table, name, classnames, file, SPLIT_WORDS.get(split.lower(), ""), first=len(rows)
            )
    return dataset_of(name, rows, folder, classnames)


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
    try:
        with pa.memory_map(str(file)) as source:
            return pa.ipc.open_stream(source).read_all()
    except (OSError, pa.ArrowException) as error:
        raise UserError(Problem(f"cannot read this Arrow file: {error}", file=str(file))) from error


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            Problem(f"cannot read this file: {error}", file=str(path), allowed=ALLOWED)
        ) from error
    if not isinstance(data, dict):
        raise UserError(Problem("not a mapping", file=str(path), allowed=ALLOWED))
    return data
