"""Which complete trials are left out, since their results are missing or damaged."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Note, Piece, Section
from nemesis_sweep.report.page.record import lost_text


def _make(material: Material) -> Iterator[Note]:
    for sweep in material.sweeps:
        if sweep.lost:
            told = material.of_sweep(f"Left out of everything below: {lost_text(sweep.lost)}", sweep)
            yield Note(f"{told}. `nemesis-sweep run` with the sweep file trains such trials again.")


PIECE = Piece(Section.RESULTS, 1, _make)
