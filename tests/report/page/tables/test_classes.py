"""Accuracy per class: by hand, the largest difference first, classes without test images left out."""

import pytest

from nemesis_sweep.report.page.html import Shown
from nemesis_sweep.report.page.tables.classes import PIECE
from tests.report.page.two_trials import material_of, two_trials


def test_gains_and_losses_come_before_what_stays():
    labels = [0, 0, 1, 1, 1, 1, 3, 3]
    best = [[0, 0, 1, 1, 1, 1, 0, 3], [0, 0, 1, 1, 1, 0, 0, 3]]
    coop = [[0, 0, 1, 1, 1, 1, 3, 3], [0, 0, 1, 0, 0, 0, 3, 3]]
    (table,) = PIECE.make(material_of(two_trials(labels, best, coop)))
    lines = [line.cells for line in table.lines]
    assert [(name, images) for name, images, *_ in lines] == [("dark_grey", 2), ("green", 4), ("red", 2)]
    assert [cells[4] for cells in lines] == pytest.approx([-50, 25, 0])
    green = lines[1]
    assert (green[2].mean, green[3].mean, green[3].n) == (62.5, 87.5, 2)
    assert green[3].std == pytest.approx(12.5 * 2**0.5)


def test_a_page_shows_some_of_many_classes_and_the_files_have_all():
    labels = list(range(40))
    coop = [[(label + (label < 20)) % 40 for label in labels]]
    made = two_trials(labels, [labels], coop, names=[f"class {label}" for label in labels])
    (table,) = PIECE.make(material_of(made))
    assert len(table.lines) == 40
    shown = Shown(table)
    assert len(shown.rows) == 8
    assert shown.left_out == 32
