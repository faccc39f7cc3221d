"""Accuracy per class of the best found and of plain CoOp, the largest differences first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.mistakes import Versus
from nemesis_sweep.report.page.pieces import Column, Line, Made, Note, Piece, ReportTable, Section
from nemesis_sweep.report.statistics import Score, score

LEAST, MOST, TOGETHER = 4, 8, 40
"""Classes of a task that the page shows: about so many of all tasks together."""
COLUMNS = (
    Column("class"),
    Column("images", digits=0),
    Column("plain CoOp"),
    Column("best found"),
    Column("difference"),
)
CAPTION = (
    "Accuracy in percent on the test images of a class, mean ± standard deviation over replicates, of plain "
    "CoOp and of the best found. Read off on which classes the best found gains and on which it loses: the "
    "largest differences come first. A class with few images moves in large steps."
)


def _make(material: Material) -> Iterator[Made]:
    mistakes = material.mistakes
    for why in dict.fromkeys(mistakes.missing.values()):
        tasks = ", ".join(label for label, own in mistakes.missing.items() if own == why)
        yield Note(f"Not compared image by image, as {why}: {tasks}")
    if not mistakes.found:
        return
    lines = [line for versus in mistakes.found for line in _lines(versus)]
    shown = min(MOST, max(LEAST, TOGETHER // len(mistakes.found)))
    yield ReportTable("class-accuracies", "Accuracy per class", CAPTION, COLUMNS, lines, shown)


def _lines(versus: Versus) -> list[Line]:
    coop, best = (by_class(versus, each.right) for each in (versus.coop, versus.best))
    found = [
        (name, int(versus.counts[label]), coop[label], best[label], best[label].mean - coop[label].mean)
        for label, name in enumerate(versus.classnames)
        if versus.counts[label]
    ]
    found.sort(key=lambda cells: -abs(cells[-1]))
    return [Line(cells, versus.label) for cells in found]


def by_class(versus: Versus, right: np.ndarray) -> dict[int, Score]:
    """Accuracy in percent of every class that has test images. right: ``(R, n)``."""
    counts = versus.counts
    hits = [np.bincount(versus.labels, weights=each, minlength=len(counts)) for each in right]
    return {
        int(label): score([100 * float(each[label]) / int(counts[label]) for each in hits])
        for label in np.flatnonzero(counts)
    }


PIECE = Piece(Section.MISTAKES, 20, _make)
