"""The best settings once more on fresh seeds: what chose them flattered them, and by how much."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.report.confirmed import Confirmed
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Cell, Column, Line, Piece, ReportTable, Section

COLUMNS = (
    Column("setting"),
    Column("val, selected"),
    Column("val, confirmed", "max"),
    Column("val, change"),
    Column("test, selected"),
    Column("test, confirmed", "max"),
    Column("test, change"),
    Column("confirmed gain"),
    Column("seeds", printed=False),
)


def _make(material: Material) -> Iterator[ReportTable]:
    """Of sweeps with `search.confirm`."""
    boards = [(sweep, board) for sweep in material.sweeps for board in sweep.boards if board.confirmed]
    lines = [
        Line(_cells(each), material.board(sweep, board.study))
        for sweep, board in boards
        for each in board.confirmed
    ]
    if not lines:
        return
    objectives = " and ".join(dict.fromkeys(sweep.objectives[0] for sweep, _ in boards))
    told = " or ".join(map(str, sorted({len(each.seeds) for _, board in boards for each in board.confirmed})))
    caption = (
        f"Settings that were best by {objectives}, and plain CoOp, trained again on {told} fresh seeds that "
        f"selected nothing. Accuracies in percent: selected {material.spread}, confirmed over those; change: "
        "confirmed less selected, below zero by what the choice flattered. Gain: of confirmed over confirmed "
        "plain CoOp on test, paired by seed, with its 95 % interval: the number to believe."
    )
    yield ReportTable("confirmed", "Winners confirmed on fresh seeds", caption, COLUMNS, lines)


def _cells(each: Confirmed) -> list[Cell]:
    selected = each.selected
    return [
        each.confirmed.label,
        selected.val if selected else None,
        each.confirmed.val,
        each.val_difference,
        selected.test if selected else None,
        each.confirmed.test,
        each.test_difference,
        each.gain,
        ", ".join(map(str, each.seeds)),
    ]


PIECE = Piece(Section.RESULTS, 15, _make)
