"""Tables for programs: every number of a cell in a column of its own."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from nemesis_sweep.report.page.pieces import Cell, ReportTable
from nemesis_sweep.report.statistics import Gain, Score
from nemesis_sweep.report.statistics.estimate import Estimate


def data_table(table: ReportTable) -> pa.Table:
    """The table with `NAME`, `NAME std`, `NAME n` for a score and `NAME`, `NAME low`, `NAME high`, `NAME n`
    for a gain or an estimate, unrounded. `simulated` names the sweeps that were. Its metadata are title and
    caption."""
    columns: dict[str, list[object]] = {}
    for number, column in enumerate(table.columns):
        cells = [line.cells[number] for line in table.lines]
        for suffix in _parts(cells):
            name = f"{column.name} {suffix}".strip() or "name"
            columns[_free(name, columns)] = [_part(cell, suffix) for cell in cells]
    if any(line.group for line in table.lines):
        columns = {_free("group", columns): [line.group for line in table.lines], **columns}
    if table.simulated:
        columns[_free("simulated", columns)] = [table.simulated] * len(table.lines)
    return pa.table(
        {name: _typed(values) for name, values in columns.items()},
        metadata={"title": table.title, "caption": table.caption},
    )


def _parts(cells: Sequence[Cell]) -> Sequence[str]:
    if any(isinstance(cell, Score) for cell in cells):
        return ("", "std", "n")
    return ("", "low", "high", "n") if any(isinstance(cell, Gain | Estimate) for cell in cells) else ("",)


def _part(cell: Cell, suffix: str) -> object:
    if isinstance(cell, Score | Gain):
        return getattr(cell, suffix or "mean", None)
    if isinstance(cell, Estimate):
        return {"": cell.value, "low": cell.low, "high": cell.high, "n": cell.n.values}[suffix]
    return None if suffix else cell


def _typed(values: Sequence[object]) -> pa.Array:
    """Numbers as numbers; a column of several types as text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return pa.array(values, pa.float64() if float in kinds or not kinds else pa.int64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _free(name: str, taken: dict[str, list[object]]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free
