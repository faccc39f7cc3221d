from __future__ import annotations

import pytest

from nemesis_sweep.report.page.figures.critical_difference import PIECE, _levels
from nemesis_sweep.report.page.style import styled
from tests.report.page.made_rows import REFERENCES, made_rows
from tests.report.page.materials import material_of
from tests.report.page.overlaps import overlapping_texts, texts_beyond_the_edge


@pytest.fixture(autouse=True)
def style():
    with styled():
        yield


@pytest.mark.parametrize(("tasks", "references"), [(3, []), (3, list(REFERENCES)), (30, list(REFERENCES))])
def test_no_label_lies_on_another(tasks, references) -> None:
    (made,) = PIECE.make(material_of(made=made_rows(tasks, references)))
    assert overlapping_texts(made.figure) == []
    assert texts_beyond_the_edge(made.figure) == []


def test_long_names_of_two_sweeps_have_room() -> None:
    rows = made_rows(6, list(REFERENCES))
    sweeps = {"a-long-name-of-a-sweep": rows, "another-quite-long-name-of-one": rows}
    (made,) = PIECE.make(material_of(**sweeps))
    assert overlapping_texts(made.figure) == []
    assert texts_beyond_the_edge(made.figure) == []


def test_bars_need_six_tasks_and_the_caption_says_so() -> None:
    (few,) = PIECE.make(material_of(few=made_rows(5)))
    assert "There are no bars: too few tasks for a test (5 of at least 6)" in few.caption
    assert "CD" not in few.caption
    (enough,) = PIECE.make(material_of(enough=made_rows(6)))
    assert "Holm over 6 comparisons" in enough.caption
    assert "Nemenyi's critical difference" in enough.caption


def test_two_methods_have_no_picture() -> None:
    rows = [row for row in made_rows(6) if row.params.get("beta") != 0]
    assert list(PIECE.make(material_of(made=rows))) == []


def test_bars_that_would_touch_are_on_levels_of_their_own() -> None:
    assert _levels([(1.0, 2.0), (1.5, 3.0), (2.5, 4.0), (5.0, 6.0)]) == [0, 1, 0, 0]
