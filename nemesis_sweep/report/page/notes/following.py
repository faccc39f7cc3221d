"""What the sweep says about the next one: ranges that were too narrow, epochs that were too few."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.report.following.proposals import proposals, rising
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Note, Piece, Section
from nemesis_sweep.report.page.searches import searches_of


def _make(material: Material) -> Iterator[Note]:
    for sweep in material.sweeps:
        found = searches_of(material, sweep)
        wider = proposals(found)
        for each in wider:
            yield Note(f"Edge of a range: {each.text}")
        for line in rising(found):
            yield Note(f"Still rising at the end: {line}")
        if any(each.after for each in wider) and not material.several:
            yield Note(
                f"`nemesis-sweep report {sweep.home.path} --next FILE` writes a sweep file with these ranges."
            )


PIECE = Piece(Section.SEARCH, 5, _make)
