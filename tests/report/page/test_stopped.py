"""The page says why a search ended."""

from __future__ import annotations

from nemesis_sweep.report.page.notes.stopped import PIECE
from tests.report.page.materials import material_of


def test_a_search_that_ended_by_itself_is_told_once_for_each_study(make_row) -> None:
    why = "stopped after 20 of 60 trials: possible improvement 0.1 below the error of 0.2"
    rows = [make_row(str(n), [60.0] * 3, [60.0] * 3, stopped=why) for n in range(2)]
    (note,) = PIECE.make(material_of(made=rows))
    assert note.text == f"clipart 16-shot: the search {why}."


def test_without_a_reason_nothing_is_told(rows) -> None:
    assert list(PIECE.make(material_of(made=rows))) == []
