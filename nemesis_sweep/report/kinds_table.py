"""The table of kinds of prompts as cells of text."""

from __future__ import annotations

from collections.abc import Sequence

from nemesis_sweep.report.cells import gain_cell, score_text
from nemesis_sweep.report.kinds import KindRow, losses_of
from nemesis_sweep.spec.losses import NONE

ABOUT = (
    "Test accuracy of each kind's best with each loss, chosen as the best found is; control: the same with "
    "omega 0; adds: what the penalty adds (95 % CI), paired by seed"
)


def kinds_table(rows: Sequence[KindRow], *, narrow: bool = False) -> list[tuple[str, ...]]:
    """The header and a line for every kind; nothing without kinds. narrow: without the controls' scores."""
    if not rows:
        return []
    losses = losses_of(rows)
    parts = ("adds",) if narrow else ("control", "adds")
    header = ["kind"]
    for loss in losses:
        header += [loss] if loss == NONE else [loss, *parts]
    return [tuple(header), *(_cells(row, losses, narrow) for row in rows)]


def _cells(row: KindRow, losses: Sequence[str], narrow: bool) -> tuple[str, ...]:
    cells = [row.kind]
    for loss in losses:
        tried = row.tried.get(loss)
        cells.append(score_text(tried.best.test if tried else None))
        if loss == NONE:
            continue
        if not narrow:
            cells.append(score_text(tried.control.test if tried and tried.control else None))
        cells.append(gain_cell(tried.adds if tried else None))
    return tuple(cells)
