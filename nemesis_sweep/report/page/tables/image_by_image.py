"""The best found against plain CoOp on the same test images: McNemar's exact test for every replicate."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.mistakes import Versus
from nemesis_sweep.report.page.pieces import Column, Line, Piece, ReportTable, Section
from nemesis_sweep.report.statistics.mcnemar import mcnemar

COLUMNS = (
    Column("seed", digits=0),
    Column("images", digits=0),
    Column("both right", digits=0),
    Column("won", digits=0),
    Column("lost", digits=0),
    Column("both wrong, alike", digits=0),
    Column("both wrong, otherwise", digits=0),
    Column("McNemar p", digits=None),
)
CAPTION = (
    "Test images by what plain CoOp and the best found make of them, replicate by replicate, by seed. Won: "
    "the best found alone is right; lost: plain CoOp alone is. Read off whether more is won than lost by "
    "more than chance: p is McNemar's exact test over the images of one replicate, two-sided. Replicates "
    "have the same test images, so their p are not independent, and none is made of all of them."
)


def _make(material: Material) -> Iterator[ReportTable]:
    if found := material.mistakes.found:
        lines = [line for versus in found for line in _lines(versus)]
        yield ReportTable("image-by-image", "Image by image", CAPTION, COLUMNS, lines)


def _lines(versus: Versus) -> Iterator[Line]:
    best, coop = versus.best, versus.coop
    alike = best.classes == coop.classes
    right, wrong = best.right & coop.right, ~best.right & ~coop.right
    parts = (right, versus.won, versus.lost, wrong & alike, wrong & ~alike)
    for seed, *counts in zip(best.seeds, *(part.sum(axis=1).tolist() for part in parts), strict=True):
        p = mcnemar(counts[1], counts[2])
        yield Line([seed, len(versus.labels), *counts, p], versus.label)


PIECE = Piece(Section.MISTAKES, 10, _make)
