"""`results.parquet`: one row for every trial of every study, baselines included."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from nemesis_sweep.files import parquet
from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.report.statistics import score
from nemesis_sweep.spec.baselines import trains_prompt
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.row import Row

NAME = "results.parquet"
VERSION = b"nemesis_sweep.results"
FORMAT = {VERSION: b"2"}
JSON = {b"nemesis_sweep.json": b"1"}
"""Mark of a column, or a field, whose values are of several types: numbers and lists are JSON there."""
METRICS = ("val/accuracy", "val/loss", "test/accuracy", "test/loss", "norm/mean")
PARAM = "param."
STD = "/std"
REPLICATES = "/replicates"

# Everything but parameters, configuration and metrics, in the order of the columns.
COLUMNS: Mapping[str, pa.DataType] = {
    "study": pa.string(),
    "task": pa.string(),
    "dataset": pa.string(),
    "shots": pa.int64(),
    "backbone": pa.string(),
    "protocol": pa.string(),
    "trial": pa.string(),
    "number": pa.int64(),
    "baseline": pa.string(),
    "state": pa.string(),
    "reason": pa.string(),
    "broken": pa.list_(pa.string()),
    "front": pa.bool_(),
    "best": pa.bool_(),
    "epochs": pa.int64(),
    "seconds": pa.float64(),
    "seeds": pa.list_(pa.int64()),
    "selected_share": pa.list_(pa.list_(pa.float64())),
    "stopped": pa.string(),
}


LATER = ("best", "stopped")
"""Columns that tables of earlier versions have not."""


def results_table(rows: Iterable[Row]) -> pa.Table:
    """Return the table of trial results.

    What a row lacks is null. A trial of a joint study has a row for each task and one, with the task `mean`,
    for the means.
    Columns: those above; `trial` names the trial's folder below that of its study, and `number` is its number
    in the study, null for a baseline that is no point of the space. `config` is a struct of the whole method.
    `param.NAME` for each searched parameter, typed by its values; a baseline that trains a prompt has there
    what it trains with. `selected_share`, for each replicate the share of all steps in which PAN selected
    each context vector, null without PAN. `stopped` says why the search of its study ended, if
    `budget.until` asked. For each metric `METRIC` (mean), `METRIC/std` (sample standard deviation, null for
    one replicate and where one failed), `METRIC/replicates`.
    """
    rows = list(rows)
    fields: list[pa.Field] = []
    columns: list[pa.Array] = []

    def add(values: Sequence[Any], field: pa.Field) -> None:
        fields.append(field)
        columns.append(pa.array(values, field.type))

    for name, kind in COLUMNS.items():
        add([_cell(row, name) for row in rows], pa.field(name, kind))
    for name in sorted({name for row in rows for name in row.params}):
        add(*_typed(PARAM + name, [_trained_with(row, name) for row in rows]))
    add(*_struct("config", [row.config for row in rows]))
    for name in _metric_names(rows):
        replicates = [row.replicates.get(name) for row in rows]
        add([row.metrics.get(name) for row in rows], pa.field(name, pa.float64()))
        add([_std(values) for values in replicates], pa.field(name + STD, pa.float64()))
        add(replicates, pa.field(name + REPLICATES, pa.list_(pa.float64())))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, FORMAT))


def write_results(home: Path, rows: Iterable[Row]) -> Path:
    """Write `HOME/results.parquet` in one step and return its path; readers never see half a file."""
    return parquet.write_table(home / NAME, results_table(rows))


def read_results(home: Path) -> list[Row]:
    """Return the rows of `HOME/results.parquet` as `write_results` got them.

    Raises UserError if the file is missing or no Parquet file of ours.
    """
    path = home / NAME
    if not path.is_file():
        raise UserError(f"{path} does not exist: it is written when a run ends")
    table = read_table(path)
    version = (table.schema.metadata or {}).get(VERSION)
    if version is None:
        raise UserError(f"{path} was not written by nemesis-sweep")
    try:
        if version == b"1":
            return [_row_of_version_1(record) for record in table.to_pylist()]
        return rows_of(table)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # Pages have checksums, but not what names them.
        raise _damaged(path, f"is not a Parquet file or is damaged ({error})") from error


def read_table(path: Path) -> pa.Table:
    """Return the table of a Parquet file. Raises UserError if it cannot be read, or was altered."""
    try:
        return parquet.read_table(path)
    except DamagedError as error:
        raise _damaged(path, error.reason) from error


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(f"{path} {reason}; the sweep's `run` writes it anew")


def rows_of(table: pa.Table) -> list[Row]:
    """Return the rows of which `results_table` made a table."""
    mixed = {field.name for field in table.schema if _is_json(field)}
    kind = table.schema.field("config").type
    mixed |= (
        {f"config.{field.name}" for field in kind if _is_json(field)} if pa.types.is_struct(kind) else set()
    )
    return [_row(record, mixed) for record in table.to_pylist()]


def _cell(row: Row, column: str) -> Any:
    if column == "trial":
        return row.number
    if column == "number":
        return int(row.number) if row.is_proposed else None
    return getattr(row, column)


def _trained_with(row: Row, name: str) -> Any:
    """The value of a parameter: as it was searched, or as a baseline has it that trains a prompt."""
    if row.is_proposed or not trains_prompt(row.baseline):
        return row.params.get(name)
    return row.method.get(name)


def _row(record: Values, mixed: Collection[str]) -> Row:
    def plain(name: str, value: Any) -> Any:
        return _from_text(value) if name in mixed and value is not None else value

    own = [name for name in COLUMNS if name not in (*LATER, "trial")]
    told = {name: record[name] for name in own} | {name: record.get(name) for name in LATER}
    params = {
        name.removeprefix(PARAM): plain(name, value)
        for name, value in record.items()
        if name.startswith(PARAM)
    }
    searched = record["number"] is not None
    told["params"] = {name: value for name, value in params.items() if searched and value is not None}
    if record["config"] is not None:
        values = {name: plain(f"config.{name}", value) for name, value in record["config"].items()}
        told["config"] = {name: value for name, value in values.items() if value is not None}
    return _made(record, {**told, "number": record["trial"], "ended": record.get("ended")})


def _row_of_version_1(record: Values) -> Row:
    """A row as it was when numbers were text, and parameters and configuration JSON."""
    told = {name: record.get(name) for name in COLUMNS if name != "trial"}
    for name in ("params", "config"):
        told |= {name: json.loads(record[name])} if record.get(name) is not None else {}
    return _made(record, told)


def _made(record: Values, told: Values) -> Row:
    names = [name.removesuffix(REPLICATES) for name in record if name.endswith(REPLICATES)]
    return Row(
        metrics={name: record[name] for name in names if record[name] is not None},
        replicates={
            name: record[name + REPLICATES] for name in names if record[name + REPLICATES] is not None
        },
        **told,
    )


def _metric_names(rows: Sequence[Row]) -> list[str]:
    """The usual metrics first, which are always there to be relied on; then whatever else was measured."""
    found = {name for row in rows for name in (*row.metrics, *row.replicates)}
    return [*METRICS, *sorted(found - set(METRICS))]


def _struct(name: str, records: Sequence[Values | None]) -> tuple[list[Any], pa.Field]:
    """Return mappings with the values of each key in one type, and the field that holds them."""
    keys = list(dict.fromkeys(key for record in records for key in record or {}))
    if not keys:  # Parquet has no struct without fields.
        return [None] * len(records), pa.field(name, pa.null())
    typed = [_typed(key, [(record or {}).get(key) for record in records]) for key in keys]
    made = [
        None if record is None else {key: values[place] for key, (values, _) in zip(keys, typed, strict=True)}
        for place, record in enumerate(records)
    ]
    return made, pa.field(name, pa.struct([field for _, field in typed]))


def _typed(name: str, values: Sequence[Any]) -> tuple[list[Any], pa.Field]:
    """Return values, and a field of the narrowest type that holds them; of several types they are text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and kinds != {int}:
        values = [None if value is None else float(value) for value in values]
    try:
        if kinds <= {int, float} or (len(kinds) == 1 and kinds != {dict}):
            return list(values), pa.field(name, pa.array(values).type if kinds else pa.string())
    except (pa.ArrowException, OverflowError):
        pass  # A list of several types, say.
    return [None if value is None else _text(value) for value in values], pa.field(
        name, pa.string(), metadata=JSON
    )


def _is_json(field: pa.Field) -> bool:
    return JSON.items() <= (field.metadata or {}).items()


def _text(value: Any) -> str:
    """Text as it is, anything else as JSON; text that would be taken for JSON, too."""
    if isinstance(value, str) and _from_text(value) == value:
        return value
    return json.dumps(value, sort_keys=True, default=str)


def _from_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _std(values: Sequence[float] | None) -> float | None:
    """The sample standard deviation; None without several values, and where a replicate failed (NaN)."""
    return score(values).std if values else None
