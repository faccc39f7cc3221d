"""`results.parquet`: one row for every trial of every study, baselines included."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nemesis_sweep.data.atomic import replacing
from nemesis_sweep.spec.errors import UserError

NAME = "results.parquet"
FORMAT = {b"nemesis_sweep.results": b"1"}
METRICS = ("val/accuracy", "val/loss", "test/accuracy", "test/loss", "norm/mean")
PARAM = "param."
STD = "/std"
REPLICATES = "/replicates"

# Everything but parameters and metrics, in the order of the columns.
COLUMNS: Mapping[str, pa.DataType] = {
    "study": pa.string(),
    "task": pa.string(),
    "dataset": pa.string(),
    "shots": pa.int64(),
    "backbone": pa.string(),
    "protocol": pa.string(),
    "number": pa.string(),
    "baseline": pa.string(),
    "state": pa.string(),
    "reason": pa.string(),
    "broken": pa.list_(pa.string()),
    "front": pa.bool_(),
    "epochs": pa.int64(),
    "seconds": pa.float64(),
    "seeds": pa.list_(pa.int64()),
    "params": pa.string(),
    "config": pa.string(),
    "selected_share": pa.list_(pa.list_(pa.float64())),
}
JSON_COLUMNS = ("params", "config")


def results_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return the table of trial results.

    Each row is the result of a trial (study, number, baseline, params, config, seeds, epochs, metrics,
    replicates, seconds) with its task (its name, dataset, shots, backbone, protocol), its state (COMPLETE,
    the default, PRUNED or FAIL) and, if it did not complete, a reason; `broken` lists the constraints that it
    breaks and `front` says whether no other trial of its study beats it (`mark_front`). What a row lacks is
    null. A trial of a joint study has a row for each task and one, with the task `mean`, for the means.
    Columns: those above with params and config as JSON text; `param.NAME` for each parameter, typed by its
    values; `selected_share`, for each replicate the share of all steps in which PAN selected each context
    vector, null without PAN; for each metric `METRIC` (mean), `METRIC/std` (sample standard deviation, null
    for one replicate), `METRIC/replicates`.
    """
    rows = [_named(row) for row in rows]
    names: list[str] = []
    columns: list[pa.Array] = []

    def add(name: str, values: Sequence[Any], kind: pa.DataType) -> None:
        names.append(name)
        columns.append(pa.array(values, kind))

    for name, kind in COLUMNS.items():
        values = [row.get(name) for row in rows]
        if name in JSON_COLUMNS:
            values = [None if value is None else _json(value) for value in values]
        add(name, values, kind)
    for name in sorted({name for row in rows for name in row.get("params") or {}}):
        add(PARAM + name, *_typed([(row.get("params") or {}).get(name) for row in rows]))
    for name in _metric_names(rows):
        replicates = [(row.get("replicates") or {}).get(name) for row in rows]
        add(name, [(row.get("metrics") or {}).get(name) for row in rows], pa.float64())
        add(name + STD, [_std(values) for values in replicates], pa.float64())
        add(name + REPLICATES, replicates, pa.list_(pa.float64()))
    return pa.table(columns, names=names).replace_schema_metadata(FORMAT)


def write_results(home: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write `HOME/results.parquet` in one step and return its path; readers never see half a file."""
    return write_table(home / NAME, results_table(rows))


def write_table(path: Path, table: pa.Table) -> Path:
    """Replace a Parquet file in one step."""
    with replacing(path) as partial:
        pq.write_table(table, partial, compression="zstd")
    return path


def read_results(home: Path) -> list[dict[str, Any]]:
    """Return the rows of `HOME/results.parquet` as `write_results` got them, without what was null.

    Raises UserError if the file is missing or no Parquet file of ours.
    """
    path = home / NAME
    if not path.is_file():
        raise UserError(f"{path} does not exist: run the sweep first")
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        # Arrow's errors are OSErrors where a file is damaged in its middle.
        raise UserError(
            f"{path} is not a Parquet file or is damaged ({error}); the sweep's `run` writes it anew"
        ) from error
    if (table.schema.metadata or {}).keys().isdisjoint(FORMAT):
        raise UserError(f"{path} was not written by nemesis-sweep")
    return [_row(record) for record in table.to_pylist()]


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with number as text and a state."""
    return {"baseline": "", "state": "COMPLETE", **row, "number": str(row["number"])}


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: json.loads(record[name]) if name in JSON_COLUMNS else record[name]
        for name in COLUMNS
        if record.get(name) is not None
    }
    names = [name.removesuffix(REPLICATES) for name in record if name.endswith(REPLICATES)]
    row["metrics"] = {name: record[name] for name in names if record[name] is not None}
    row["replicates"] = {
        name: record[name + REPLICATES] for name in names if record[name + REPLICATES] is not None
    }
    return row


def _metric_names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The usual metrics first, which are always there to be relied on; then whatever else was measured."""
    found = {name for row in rows for kind in ("metrics", "replicates") for name in row.get(kind) or {}}
    return [*METRICS, *sorted(found - set(METRICS))]


def _typed(values: Sequence[Any]) -> tuple[list[Any], pa.DataType]:
    """Return values and the narrowest of bool, int, float, text that holds them; mixed ones as JSON text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return list(values), pa.bool_()
    if kinds == {int}:
        return list(values), pa.int64()
    if kinds and kinds <= {int, float}:
        return [None if value is None else float(value) for value in values], pa.float64()
    if kinds <= {str}:
        return list(values), pa.string()
    return [None if value is None else _json(value) for value in values], pa.string()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _std(values: Sequence[float] | None) -> float | None:
    return statistics.stdev(values) if values is not None and len(values) > 1 else None
