"""How often a lower norm of one vector makes a learnt prompt better, by dataset and shots."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.report.page.corrupted import CorruptedPrompt
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Cell, Column, Line, Piece, ReportTable, Section
from nemesis_sweep.report.statistics import score

COLUMNS = (
    Column("method"),
    Column("corrupted"),
    Column("accuracy"),
    Column("mean norm", digits=2),
    Column("pairs (%)"),
    Column("positions (%)"),
    Column("beyond chance (%)"),
    Column("images", digits=0, printed=False),
)
CAPTION = (
    "The Low-Norm Effect: one vector of a learnt prompt is corrupted so that its norm falls, and accuracy "
    "rises. Pairs: of position and strength that show it; positions: with one strength or more that does; "
    "both in percent of what lowers a norm, means over replicates with 95 % intervals of a bootstrap over "
    "the test images. One image more is enough for these. Beyond chance: pairs that gain by McNemar's exact "
    "test, with at most 5 % false findings among all cells. Nothing was chosen by any of it."
)


def _make(material: Material) -> Iterator[ReportTable]:
    """Of sweeps with `search.corrupt`."""
    lines = [Line(_cells(each), material.title(each.task)) for each in material.corrupted]
    if lines:
        yield ReportTable("low-norm", "How often the Low-Norm Effect is there", CAPTION, COLUMNS, lines)


def _cells(found: CorruptedPrompt) -> list[Cell]:
    grid, often = found.cells.grid, found.cells.frequency
    return [
        found.method,
        found.told,
        score((100 * grid.before.mean(axis=-1)).tolist()),
        float(grid.norms.mean()),
        often.pairs.estimate if often else None,
        often.positions.estimate if often else None,
        often.sure if often else None,
        grid.before.shape[-1],
    ]


PIECE = Piece(Section.LOW_NORM, 10, _make)
