"""The confirmed settings of every task, with what the choice flattered them by."""

from __future__ import annotations

from nemesis_sweep.report.page.tables.confirmed import PIECE
from tests.report.page.materials import material_of, table_of
from tests.report.test_confirmed import AGAIN, again


def test_selected_and_confirmed_stand_side_by_side(rows, make_row) -> None:
    table = table_of(PIECE, material_of(made=[*rows, *(again(make_row, number) for number in AGAIN)]))
    best = table.lines[0].cells
    assert best[0] == "best found (trial 1)"
    assert table.lines[0].group == "clipart 16-shot"
    assert [best[1].mean, best[2].mean, best[3]] == [65.0, 63.0, -2.0]
    assert [best[4].mean, best[5].mean, best[6]] == [62.0, 60.0, -2.0]
    assert (best[7].mean, best[7].n, best[8]) == (1.0, 4, "4, 5, 6, 7")
    assert "trained again on 4 fresh seeds" in table.caption
    assert "selected mean ± standard deviation over 3 replicates" in table.caption


def test_a_sweep_without_confirmations_has_no_such_table(rows) -> None:
    assert list(PIECE.make(material_of(made=rows))) == []
