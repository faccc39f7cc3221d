"""The Pareto front of sweeps with several objectives: the trials that no other beats by all of them."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.report.cells import params_text
from nemesis_sweep.report.entry import Entry
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Cell, Column, Line, Piece, ReportTable, Section
from nemesis_sweep.spec.metrics import direction


def _make(material: Material) -> Iterator[ReportTable]:
    """A table for each set of objectives, with the fronts of all tasks that have them."""
    boards: dict[tuple[str, ...], list[Line]] = {}
    for sweep in material.sweeps:
        for board in sweep.boards if len(sweep.objectives) > 1 else ():
            group = material.board(sweep, board.study)
            on_it = [board.best, *board.front] if board.best else []
            lines = [Line(_cells(entry, sweep.objectives), group) for entry in on_it]
            boards.setdefault(sweep.objectives, []).extend(lines)
    for number, (objectives, lines) in enumerate(boards.items(), 1):
        columns = [Column("trial"), *(_column(metric) for metric in _shown(objectives))]
        columns.append(Column("parameters", printed=False))
        caption = (
            f"Complete trials that no other beats by {' and '.join(objectives)} together, the best by "
            f"{objectives[0]} first, mean ± standard deviation over replicates. Read off what a better "
            f"{objectives[0]} costs by the others. The test set selected nothing unless it is an objective."
        )
        name = "front" if len(boards) == 1 else f"front-{number}"
        yield ReportTable(name, "Pareto front", caption, columns, lines)


def _shown(objectives: tuple[str, ...]) -> list[str]:
    """The metrics of a table: the objectives, and the accuracy on test."""
    return list(dict.fromkeys([*objectives, "test/accuracy"]))


def _column(metric: str) -> Column:
    return Column(metric, "max" if direction(metric) == "maximize" else "min")


def _cells(entry: Entry, objectives: tuple[str, ...]) -> list[Cell]:
    scores = [entry.metric(metric) for metric in _shown(objectives)]
    return [entry.number, *scores, params_text(entry.params)]


PIECE = Piece(Section.RESULTS, 17, _make)
