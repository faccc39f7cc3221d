"""What corrupting each vector does, a heat map of position and strength for each task."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.report.corruption_picture import draw_map, furthest
from nemesis_sweep.report.page.contenders import BEST, PLAIN
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.sheets import sheets
from nemesis_sweep.report.page.style import entitle, name_heights, panels

SHOWN = (PLAIN, BEST)
ROW = 0.11
"""Inches that a position takes."""
CAPTION = (
    "Change of accuracy in points on {split} when one vector of {method} is corrupted by {operation}: a row "
    "for each position, with its norm, a column for each strength; mean over replicates, a dot where that of "
    "a replicate is beyond chance. Read off at which positions a lower norm helps: factors below 1, or "
    "noise that is shorter than the vector."
)


def _draw(material: Material) -> Iterator[Picture]:
    found = [each for each in material.corrupted if each.kind in SHOWN]
    for told, method in dict.fromkeys((each.told, each.method) for each in found):
        own = [each for each in found if (each.told, each.method) == (told, method)]
        operation, split = told.split(", ")
        most = furthest([each.cells for each in own])
        for sheet, part in sheets(own):
            rows = max(len(each.cells.grid.positions) for each in part)
            figure, axes = panels(len(part), height=min(4.0, 0.8 + ROW * rows))
            for ax, each in zip(axes, part, strict=True):
                image = draw_map(ax, each.cells, most)
                entitle(ax, material.title(each.task))
                ax.tick_params(axis="x", labelrotation=90)  # Eight factors in a third of the page.
            name_heights(axes, "position (norm)")
            figure.colorbar(image, ax=axes, label="points", shrink=0.8)
            words = "-".join(method.lower().split())
            name = sheet.name(f"low-norm-map-{operation}-{split}-{words}")
            title = sheet.title(f"What each vector does: {method}, {told}")
            caption = CAPTION.format(split=split, method=method, operation=operation)
            yield Picture(name, title, caption, figure)


PIECE = Piece(Section.LOW_NORM, 20, _draw)
