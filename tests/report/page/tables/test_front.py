"""The Pareto front of a sweep with several objectives."""

from __future__ import annotations

from nemesis_sweep.report.page.tables.front import PIECE
from nemesis_sweep.report.statistics import Score
from tests.report.page.materials import material_of, table_of
from tests.report.test_front import BOTH, rows  # noqa: F401 - a fixture


def test_the_front_stands_with_every_objective_and_test(rows) -> None:  # noqa: F811
    table = table_of(PIECE, material_of(BOTH, made=rows))
    assert [column.name for column in table.columns] == ["trial", *BOTH, "test/accuracy", "parameters"]
    assert [line.cells[0] for line in table.lines] == ["coop", "0", "1"]
    coop = table.lines[0].cells
    assert coop[1:4] == [Score(70.0, 1.0, 3), Score(2.0, coop[2].std, 3), Score(68.0, 1.0, 3)]
    assert [column.best for column in table.columns] == ["", "max", "min", "max", ""]


def test_one_objective_has_no_front(rows) -> None:  # noqa: F811
    assert list(PIECE.make(material_of(made=rows))) == []
