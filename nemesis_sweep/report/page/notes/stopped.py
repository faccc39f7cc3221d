"""Why searches ended, of sweeps with `budget.until`."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Note, Piece, Section


def _make(material: Material) -> Iterator[Note]:
    for sweep in material.sweeps:
        ended = {row.study: row.stopped for row in sweep.rows if row.stopped}
        for study, why in ended.items():
            yield Note(f"{material.board(sweep, study)}: the search {why}.")


PIECE = Piece(Section.SEARCH, 3, _make)
