"""Cells as people read them, and which of a column are the best."""

from __future__ import annotations

from collections.abc import Sequence

from nemesis_sweep.report.cells import gain_cell, score_text
from nemesis_sweep.report.page.pieces import Cell, Column, Line, ReportTable
from nemesis_sweep.report.statistics import Gain, Score, rounded


def cell_text(cell: Cell, column: Column) -> str:
    """`61.2 ± 1.3`, `+1.2 (-0.4 to 2.8)`, a number with the column's digits, text as it is, '' for none."""
    if cell is None:
        return ""
    if isinstance(cell, Score):
        return score_text(cell)
    if isinstance(cell, Gain):
        return gain_cell(cell)
    if isinstance(cell, float):
        return (
            f"{cell:.3g}"
            if column.digits is None
            else f"{round(cell, column.digits) + 0.0:.{column.digits}f}"
        )
    return str(cell)


def texts(table: ReportTable, lines: Sequence[Line]) -> list[list[str]]:
    """The cells of some lines as text."""
    return [
        [cell_text(cell, column) for cell, column in zip(line.cells, table.columns, strict=True)]
        for line in lines
    ]


def best_cells(table: ReportTable) -> list[list[bool]]:
    """Whether each cell is the best of its column within its group, as far as what is printed tells."""
    chosen = [[False] * len(table.columns) for _ in table.lines]
    groups: dict[str, list[int]] = {}
    for place, line in enumerate(table.lines):
        groups.setdefault(line.group, []).append(place)
    for number, column in enumerate(table.columns):
        for members in groups.values() if column.best else ():
            values = {place: _value(table.lines[place].cells[number]) for place in members}
            known = [value for value in values.values() if value is not None]
            if len(known) > 1:
                top = max(known) if column.best == "max" else min(known)
                for place, value in values.items():
                    chosen[place][number] = value == top
    return chosen


def _value(cell: Cell) -> float | None:
    if isinstance(cell, Score | Gain):
        return rounded(cell.mean)
    return rounded(cell) if isinstance(cell, float | int) else None
