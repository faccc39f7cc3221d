"""Arrow tables of images as rows of a dataset, for Parquet and for saved Hugging Face data."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.own.rows import Row, split_of
from nemesis_sweep.spec.errors import Problem, UserError

COLUMNS = ("image", "label")
CLASSNAMES, HUGGING_FACE = b"classnames", b"huggingface"


def classnames_in(table: pa.Table, file: Path) -> list[str]:
    """Class names in a table's metadata, ours (`classnames`) or Hugging Face's (ClassLabel); else none."""
    metadata = table.schema.metadata or {}
    try:
        if CLASSNAMES in metadata:
            return names_checked(json.loads(metadata[CLASSNAMES]), file)
        features = json.loads(metadata.get(HUGGING_FACE, b"{}")).get("info", {}).get("features", {})
        names = features.get("label", {}).get("names", [])
        return names_checked(names, file) if names else []
    except (ValueError, AttributeError) as error:
        raise UserError(Problem(f"cannot read the class names: {error}", file=str(file))) from error


def names_checked(names: Any, file: Path) -> list[str]:
    """Class names that are a list of texts. Raises ``UserError`` for anything else."""
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        problem = Problem("`classnames` must be a list of names", file=str(file), found=str(names)[:80])
        raise UserError(problem)
    return names


def rows_of(
    table: pa.Table, name: str, classnames: Sequence[str], file: Path, split: str = "", first: int = 0
) -> list[Row]:
    """Rows of columns ``image`` (bytes, a path, or both), ``label``, optionally ``split`` and ``source``.

    split: that of all rows, for tables without the column. first: number of the first row, for messages.
    Raises ``UserError`` when a column is missing, or for a row whose label has no name or that has no image.
    """
    missing = [column for column in COLUMNS if column not in table.column_names]
    if missing:
        found = ", ".join(table.column_names)
        allowed = "image, label and, optionally, split and source"
        raise UserError(Problem(f"no column {', '.join(missing)}", "", str(file), None, found, allowed))
    names = [column for column in (*COLUMNS, "split", "source") if column in table.column_names]
    rows = []
    for number, record in enumerate(table.select(names).to_pylist(), first):
        where = f"row {number}"
        own_split = record.get("split")
        rows.append(
            Row(
                _item(record["image"], record.get("source") or f"{name}:{number}", where, file),
                _label(record["label"], classnames, where, file),
                split_of(str(own_split), where, file) if own_split else split,
            )
        )
    return rows


def _label(label: Any, classnames: Sequence[str], where: str, file: Path) -> int | str:
    if isinstance(label, str) and label and not classnames:
        return label
    if isinstance(label, str) and label in classnames:
        return classnames.index(label)
    if isinstance(label, int) and 0 <= label < len(classnames):
        return label
    if classnames:
        allowed = f"0 to {len(classnames) - 1}, or one of the class names"
    else:
        allowed = "class names; numbers only with `classnames` (a JSON list) in the schema metadata"
    raise UserError(Problem("a label without a class name", where, str(file), None, repr(label), allowed))


def _item(image: Any, source: str, where: str, file: Path) -> Item:
    """An item of bytes, of a path (from the file's folder), or of Hugging Face's pair of both."""
    if isinstance(image, Mapping):
        image = image.get("bytes") or image.get("path")
    if isinstance(image, bytes) and image:
        return Item(0, source, content=image)
    if isinstance(image, str) and image:
        path = (file if file.is_dir() else file.parent) / image
        return Item(0, str(path), path=path)
    found = type(image).__name__
    raise UserError(Problem("no image", where, str(file), None, found, "encoded bytes or the path of a file"))
