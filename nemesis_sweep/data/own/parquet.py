"""A dataset in a Parquet file or a folder of them: images (bytes or paths), labels and splits."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE, Dataset
from nemesis_sweep.data.lists import check_file
from nemesis_sweep.data.own.parquet_files import ParquetFile, parquet_files
from nemesis_sweep.data.own.rows import Row, dataset_of
from nemesis_sweep.data.own.tables import check_columns, rows_of, same_classes, unreadable
from nemesis_sweep.messages.errors import Problem, UserError


def read_parquet(name: str, path: Path, images: bool = True, shipped: bool = False) -> Dataset:
    """Read ``image`` (bytes, a path, or both), ``label`` (a name, or a number) and, optionally, ``split``.

    Numbers need class names: in the metadata, ours (`classnames`) or Hugging Face's, in a column ``name``, or
    in a names file. In a folder, all files belong together that :func:`parquet_files` finds; without a
    ``split`` column `train-*.parquet` is train, and so on. images: without them, only what is said of them.
    shipped: whether it is one of the package's own.
    Raises ``UserError`` when a file cannot be read, lacks a column, or has a label without a name.
    """
    files, notes = parquet_files(path) if path.is_dir() else ([ParquetFile(path, "", "")], [])
    rows: list[Row] = []
    classnames: list[str] = []
    template = DEFAULT_TEMPLATE
    for file in files:
        table = _read(file.path, images)
        classnames = same_classes(classnames, table, file.path)
        rows += rows_of(table, name, classnames, file.path, path, file.split, first=len(rows))
        template = _template(table, file.path) or template
    what = "class names" if classnames else "labels"
    return dataset_of(name, rows, path, classnames, template, what=what, notes=notes, shipped=shipped)


def rows_in(path: Path) -> int:
    """How many rows the files say that they have. Raises ``UserError`` as :func:`read_parquet` does."""
    files = parquet_files(path)[0] if path.is_dir() else [ParquetFile(path, "", "")]
    return sum(_opened(file.path).metadata.num_rows for file in files)


def _opened(file: Path) -> pq.ParquetFile:
    check_file(file, "Parquet file")
    try:
        return pq.ParquetFile(file)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(file, "Parquet", error) from error


def _read(file: Path, images: bool) -> pa.Table:
    opened = _opened(file)
    names = opened.schema_arrow.names
    check_columns(names, file)
    columns: Sequence[str] | None = None if images else [name for name in names if name != "image"]
    try:
        return opened.read(columns)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(file, "Parquet", error) from error


def _template(table: pa.Table, file: Path) -> str:
    """The zero-shot template in the metadata, '' when there is none."""
    written = (table.schema.metadata or {}).get(b"template")
    if written is None:
        return ""
    try:
        template = json.loads(written)
    except (ValueError, RecursionError):
        template = None
    if not isinstance(template, str) or "{}" not in template:
        found = written.decode(errors="replace")[:80]
        problem = Problem("`template` must be a JSON text with {}", file=str(file), found=found)
        raise UserError(problem)
    return template
