"""What differs between the files of sweeps, as a sweep file would say it."""

from __future__ import annotations

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.tables.differences import PIECE
from tests.report.page.materials import material_of, table_of


def test_only_what_differs_is_told(rows) -> None:
    (one,) = material_of(one=rows).sweeps
    (two,) = material_of(["val/accuracy", "norm/mean"], two=rows).sweeps
    table = table_of(PIECE, Material([one, two]))
    assert [column.name for column in table.columns] == ["key", "one", "two"]
    told = {line.cells[0]: line.cells[1:] for line in table.lines}
    assert told == {
        "search.objective": ['["val/accuracy"]', '["val/accuracy", "norm/mean"]'],
        "search.pruner": ["hyperband", "none"],
    }


def test_one_sweep_differs_from_nothing(rows) -> None:
    assert list(PIECE.make(material_of(made=rows))) == []


def test_of_equal_sweeps_a_line_says_that_nothing_differs(rows) -> None:
    (note,) = PIECE.make(material_of(one=rows, two=rows))
    assert "differ in nothing" in note.text
