"""A dataset in one Parquet file: image bytes, labels and splits, with the class names in its metadata."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nemesis_sweep.data.dataset import SPLITS, Dataset, Item
from nemesis_sweep.spec.errors import Problem, UserError

COLUMNS = ("image", "label", "split")
DEFAULT_TEMPLATE = "a photo of a {}."


def read_parquet(name: str, path: Path) -> Dataset:
    """Read ``image`` (bytes), ``label`` (int), ``split`` (train, val or test) and optionally ``source``.

    Raises ``UserError`` when the file is missing, is not Parquet, lacks a column, or holds a label
    without a class name.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(Problem(f"cannot read this Parquet file: {error}", file=str(path))) from error
    missing = [column for column in COLUMNS if column not in table.column_names]
    if missing:
        raise UserError(
            Problem(
                f"no column {', '.join(missing)}",
                file=str(path),
                found=", ".join(table.column_names),
                allowed=", ".join(COLUMNS),
            )
        )
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    rows = table.to_pylist()
    classnames = _classnames(metadata, rows, path)
    splits: dict[str, list[Item]] = {split: [] for split in SPLITS}
    for number, row in enumerate(rows):
        if row["split"] not in splits or not 0 <= row["label"] < len(classnames):
            raise UserError(
                Problem(
                    f"row {number} has an unknown split or label",
                    file=str(path),
                    found=f"split {row['split']!r}, label {row['label']}",
                    allowed=f"{', '.join(SPLITS)}; labels 0 to {len(classnames) - 1}",
                )
            )
        source = row.get("source") or f"{name}:{number}"
        splits[row["split"]].append(Item(label=row["label"], source=source, content=row["image"]))
    template = json.loads(metadata["template"]) if "template" in metadata else DEFAULT_TEMPLATE
    return Dataset(name=name, classnames=tuple(classnames), template=template, splits=splits)


def _classnames(metadata: dict[str, str], rows: list[dict], path: Path) -> list[str]:
    if "classnames" not in metadata:
        raise UserError(Problem("the schema metadata has no `classnames` (a JSON list)", file=str(path)))
    names = json.loads(metadata["classnames"])
    if not names or not all(isinstance(name, str) and name for name in names):
        raise UserError(
            Problem("`classnames` must be a list of names", file=str(path), found=str(names)[:80])
        )
    return names
