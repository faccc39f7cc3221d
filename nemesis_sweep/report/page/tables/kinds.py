"""Every kind of prompt with each loss, on every task: the best trials side by side, beside their controls."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.report.kinds import KindRow, losses_of
from nemesis_sweep.report.kinds_table import ABOUT
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Cell, Column, Line, Piece, ReportTable, Section
from nemesis_sweep.spec.losses import NONE


def _make(material: Material) -> Iterator[ReportTable]:
    """Of sweeps that drew several kinds."""
    boards = [(sweep, board) for sweep in material.sweeps for board in sweep.boards if board.kinds]
    losses = losses_of(row for _, board in boards for row in board.kinds)
    if not boards:
        return
    columns = [Column("kind")]
    for loss in losses:
        columns += [Column(loss, "max")]
        columns += [] if loss == NONE else [Column(f"{loss}, control"), Column(f"{loss} adds")]
    lines = [
        Line(_cells(row, losses), material.board(sweep, board.study))
        for sweep, board in boards
        for row in board.kinds
    ]
    seeds = " or ".join(sorted({str(len(sweep.sweep.tasks.seeds)) for sweep, _ in boards}))
    objectives = " and ".join(dict.fromkeys(sweep.objectives[0] for sweep, _ in boards))
    caption = f"{ABOUT}. Accuracies in percent, {seeds} replicates; selected on {objectives}."
    yield ReportTable("kinds", "Kinds of prompts and losses", caption, columns, lines)


def _cells(row: KindRow, losses: list[str]) -> list[Cell]:
    cells: list[Cell] = [row.kind]
    for loss in losses:
        tried = row.tried.get(loss)
        cells.append(tried.best.test if tried else None)
        if loss != NONE:
            cells += [tried.control.test if tried and tried.control else None, tried.adds if tried else None]
    return cells


PIECE = Piece(Section.RESULTS, 40, _make)
