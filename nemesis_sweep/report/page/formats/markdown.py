"""A table as Markdown."""

from __future__ import annotations

from nemesis_sweep.report.page.formats.text import best_cells, texts
from nemesis_sweep.report.page.pieces import ReportTable


def markdown(table: ReportTable) -> str:
    """The table in the Markdown of GitHub, the best of each group bold, with its caption below."""
    rows = []
    for cells, best in zip(texts(table, table.lines), best_cells(table), strict=True):
        told = [_escaped(cell) for cell in cells]
        rows.append([f"**{cell}**" if bold else cell for cell, bold in zip(told, best, strict=True)])
    grouped = any(line.group for line in table.lines)
    if grouped:
        rows = [[_escaped(line.group), *row] for line, row in zip(table.lines, rows, strict=True)]
    header = [*([""] if grouped else []), *(_escaped(column.name) for column in table.columns)]
    lines = [_row(header), _row(["---"] * len(header)), *map(_row, rows)]
    return "\n".join([f"### {table.title}", "", *lines, "", table.caption, ""])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    for mark in "\\|*_`<[$~&":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ")
