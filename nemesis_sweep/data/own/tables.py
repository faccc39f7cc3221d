"""Arrow tables of images as rows of a dataset, for Parquet and for saved Hugging Face data."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.lists import check_file
from nemesis_sweep.data.own.class_names import names_file
from nemesis_sweep.data.own.rows import Row, file_item, split_of
from nemesis_sweep.data.signatures import HEAD, why_not
from nemesis_sweep.files.regular_file import is_there, read_head
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed

COLUMNS = ("image", "label")
OPTIONAL = ("split", "source", "name")
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
    except (ValueError, AttributeError, RecursionError) as error:
        raise UserError(Problem(f"cannot read the class names: {error}", file=str(file))) from error


def same_classes(former: Sequence[str], table: pa.Table, file: Path) -> list[str]:
    """Class names of all tables so far. Raises ``UserError`` when this one numbers its classes otherwise."""
    names = classnames_in(table, file)
    if former and names and names != list(former):
        found, allowed = (listed([repr(name) for name in each]) for each in (names, former))
        problem = Problem("other class names than the files before it", "", str(file), None, found, allowed)
        raise UserError(problem)
    return list(former) or names


def names_checked(names: Any, file: Path) -> list[str]:
    """Class names that are a list of texts. Raises ``UserError`` for anything else."""
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        problem = Problem("`classnames` must be a list of names", file=str(file), found=str(names)[:80])
        raise UserError(problem)
    return names


def rows_of(
    table: pa.Table,
    name: str,
    classnames: Sequence[str],
    file: Path,
    root: Path,
    split: str = "",
    first: int = 0,
) -> list[Row]:
    """Rows of columns ``image`` (bytes, a path, or both), ``label``, and what there is of ``OPTIONAL``.

    root: the dataset's path. split: that of all rows, for tables without the column. first: number of the
    first row, for messages.
    Without the column ``image`` in what was read of the file, the rows hold no images.
    Raises ``UserError`` when a column is missing, or for a row whose label has no name or that has no image.
    """
    names = [column for column in (*COLUMNS, *OPTIONAL) if column in table.column_names]
    named = "name" in names or is_there(names_file(root))
    rows = []
    for number, record in enumerate(_records(table.select(names), file), first):
        where = f"row {number}"
        own_split, own_name = record.get("split"), record.get("name")
        source = str(record.get("source") or f"{name}:{number}")
        rows.append(
            Row(
                _item(record["image"], source, where, file) if "image" in record else Item(0, source, b""),
                _label(record["label"], classnames, named, where, file),
                split_of(str(own_split), where, file) if own_split else split,
                own_name.strip() if isinstance(own_name, str) else "",
            )
        )
    return rows


def _records(table: pa.Table, file: Path) -> list[dict[str, Any]]:
    """The rows as plain values. Raises ``UserError`` for values that Arrow holds and Python cannot."""
    columns: dict[str, list[Any]] = {}
    for name in table.column_names:
        try:
            columns[name] = table[name].to_pylist()
        except (ValueError, OverflowError, pa.ArrowException) as error:
            # Arrow does not look whether text is UTF-8, and its dates reach further than Python's.
            raise UserError(Problem(f"cannot read this column: {error}", name, str(file))) from error
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def check_columns(names: Sequence[str], file: Path) -> None:
    """Raise ``UserError`` for a table that lacks a column."""
    missing = [column for column in COLUMNS if column not in names]
    twice = [column for column in (*COLUMNS, *OPTIONAL) if names.count(column) > 1]
    if missing or twice:
        message = f"no column {', '.join(missing)}" if missing else f"two columns {twice[0]}"
        allowed = f"image, label and, optionally, {', '.join(OPTIONAL)}"
        raise UserError(Problem(message, "", str(file), None, ", ".join(names), allowed))


def unreadable(file: Path, kind: str, error: Exception) -> UserError:
    """What is said of a table that Arrow cannot read."""
    check_file(file, f"{kind} file")
    why = why_not(read_head(file, HEAD))
    reason = why if "Git LFS" in why else str(error)
    return UserError(Problem(f"cannot read this {kind} file: {reason}", file=str(file)))


def _label(label: Any, classnames: Sequence[str], named: bool, where: str, file: Path) -> int | str:
    """A class name, or its number. named: numbers have names elsewhere, so they are labels like others."""
    if isinstance(label, str) and label and not classnames:
        return label
    if isinstance(label, str) and label in classnames:
        return classnames.index(label)
    if isinstance(label, int) and 0 <= label < len(classnames):
        return label
    if named and not classnames and isinstance(label, int | float) and label == label:
        return str(label)
    if classnames:
        allowed = f"0 to {len(classnames) - 1}, or one of the class names"
    else:
        allowed = (
            "class names; numbers only with `classnames` (a JSON list) in the schema metadata, with a column "
            "`name`, or with a names file (docs/datasets.md)"
        )
    raise UserError(Problem("a label without a class name", where, str(file), None, repr(label), allowed))


def _item(image: Any, source: str, where: str, file: Path) -> Item:
    """An item of bytes, of a path (from the file's folder), or of Hugging Face's pair of both."""
    if isinstance(image, Mapping):
        image = image.get("bytes") or image.get("path")
    if isinstance(image, bytes) and image:
        return Item(0, source, content=image)
    if isinstance(image, str) and image:
        return file_item(image, file, where, None)
    found = type(image).__name__
    raise UserError(Problem("no image", where, str(file), None, found, "encoded bytes or the path of a file"))
