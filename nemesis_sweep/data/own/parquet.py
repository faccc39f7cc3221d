"""A dataset in a Parquet file or a folder of them: images (bytes or paths), labels and splits."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE, Dataset
from nemesis_sweep.data.own.rows import SPLIT_WORDS, Row, dataset_of
from nemesis_sweep.data.own.tables import classnames_in, rows_of
from nemesis_sweep.spec.errors import Problem, UserError


def read_parquet(name: str, path: Path) -> Dataset:
    """Read ``image`` (bytes, a path, or both), ``label`` (a name, or a number) and, optionally, ``split``.

    Numbers need the class names in the metadata: ours (`classnames`) or Hugging Face's. In a folder, all
    `*.parquet` files belong together; without a ``split`` column `train-*.parquet` is train, and so on.
    Raises ``UserError`` when a file cannot be read, lacks a column, or has a label without a name.
    """
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    rows: list[Row] = []
    classnames: list[str] = []
    template = DEFAULT_TEMPLATE
    for file in files:
        table = _read(file)
        classnames = classnames or classnames_in(table, file)
        split = SPLIT_WORDS.get(file.stem.split("-")[0].lower(), "") if path.is_dir() else ""
        rows += rows_of(table, name, classnames, file, split, first=len(rows))
        template = _template(table, file) or template
    return dataset_of(name, rows, path, classnames, template)


def _read(file: Path) -> pa.Table:
    try:
        return pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise UserError(Problem(f"cannot read this Parquet file: {error}", file=str(file))) from error


def _template(table: pa.Table, file: Path) -> str:
    """The zero-shot template in the metadata, '' when there is none."""
    written = (table.schema.metadata or {}).get(b"template")
    if written is None:
        return ""
    try:
        template = json.loads(written)
    except ValueError:
        template = None
    if not isinstance(template, str) or "{}" not in template:
        found = written.decode(errors="replace")[:80]
        problem = Problem("`template` must be a JSON text with {}", file=str(file), found=found)
        raise UserError(problem)
    return template
