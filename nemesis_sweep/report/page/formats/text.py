"""Cells as people read them, and which of a column are the best."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nemesis_sweep.report.cells import gain_cell, score_text
from nemesis_sweep.report.page.pieces import Cell, Column, Line, ReportTable
from nemesis_sweep.report.statistics import Gain, Score, rounded
from nemesis_sweep.report.statistics.estimate import Estimate


def cell_text(cell: Cell, column: Column) -> str:
    """`61.2 ± 1.3`, `+1.2 (-0.4 to 2.8)`, a number or an estimate, `0.73 (0.60 to 0.85)`, with the column's
    digits, text as it is, '' for none."""
    if cell is None:
        return ""
    if isinstance(cell, Score):
        return score_text(cell)
    if isinstance(cell, Gain):
        return gain_cell(cell)
    if isinstance(cell, Estimate):
        return _estimate_text(cell, column)
    return _number_text(cell, column) if isinstance(cell, float) else str(cell)


def _number_text(number: float, column: Column) -> str:
    digits = column.digits
    return f"{number:.3g}" if digits is None else f"{round(number, digits) + 0.0:.{digits}f}"


def _estimate_text(cell: Estimate, column: Column) -> str:
    if cell.value is None:
        return ""
    value = _number_text(cell.value, column)
    if cell.low is None or cell.high is None:
        return value
    return f"{value} ({_number_text(cell.low, column)} to {_number_text(cell.high, column)})"


def texts(table: ReportTable, lines: Sequence[Line]) -> list[list[str]]:
    """The cells of some lines as text."""
    return [
        [cell_text(cell, column) for cell, column in zip(line.cells, table.columns, strict=True)]
        for line in lines
    ]


def is_text(table: ReportTable, place: int) -> bool:
    """Whether a column has text, which stands at the left, and not only numbers."""
    return any(isinstance(line.cells[place], str) for line in table.lines)


def best_cells(table: ReportTable) -> list[list[bool]]:
    """Whether each cell is the best of its column within its group, as far as what is printed tells."""
    chosen = [[False] * len(table.columns) for _ in table.lines]
    groups: dict[str, list[int]] = {}
    for place, line in enumerate(table.lines):
        groups.setdefault(line.group, []).append(place)
    for number, column in enumerate(table.columns):
        for members in groups.values() if column.best else ():
            values = {place: _value(table.lines[place].cells[number], column) for place in members}
            known = [value for value in values.values() if value is not None and not math.isnan(value)]
            if len(known) > 1:
                top = max(known) if column.best == "max" else min(known)
                for place, value in values.items():
                    chosen[place][number] = value == top
    return chosen


def _value(cell: Cell, column: Column) -> float | None:
    """The number of a cell as it is printed."""
    if isinstance(cell, Score | Gain):
        return rounded(cell.mean)
    if isinstance(cell, Estimate):
        cell = cell.value
    return float(_number_text(float(cell), column)) if isinstance(cell, float | int) else None
