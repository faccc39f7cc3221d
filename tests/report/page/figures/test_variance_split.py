from __future__ import annotations

import pytest

from nemesis_sweep.report.page.figures.variance_split import PIECE
from nemesis_sweep.report.page.style import styled
from nemesis_sweep.report.statistics.variance_split import variance_split
from tests.report.page.made_rows import made_rows
from tests.report.page.materials import material_of
from tests.report.page.overlaps import overlapping_texts, texts_beyond_the_edge


@pytest.fixture(autouse=True)
def style():
    with styled():
        yield


@pytest.mark.parametrize("tasks", [3, 30])
def test_a_bar_a_task_and_one_for_all_and_nothing_overlaps(tasks) -> None:
    (made,) = PIECE.make(material_of(made=made_rows(tasks, ["paper"])))
    labels = [label.get_text() for label in made.figure.axes[0].get_yticklabels()]
    assert labels[0] == "all tasks"
    assert len(labels) == tasks + 1
    assert overlapping_texts(made.figure) == []
    assert texts_beyond_the_edge(made.figure) == []


def test_the_bars_are_the_shares_of_the_searched_trials() -> None:
    rows = made_rows(3, ["paper"])
    (made,) = PIECE.make(material_of(made=rows))
    scores = [
        [row.replicates["test/accuracy"] for row in rows if row.task == task and row.number.isdecimal()]
        for task in dict.fromkeys(row.task for row in rows)
    ]
    expected = variance_split(scores).percent
    widths = [bar.get_width() for bar in made.figure.axes[0].patches[:3]]
    assert widths == pytest.approx([expected["tasks"], expected["settings"], expected["seeds"]])


def test_trials_that_are_not_complete_do_not_count() -> None:
    rows = [row for row in made_rows(1) if row.number != "3"]
    pruned = [row for row in made_rows(1) if row.number == "3"]
    for row in pruned:
        object.__setattr__(row, "state", "PRUNED")
    (made,) = PIECE.make(material_of(made=[*rows, *pruned]))
    assert any("n = 21" in text.get_text() for text in made.figure.axes[0].texts)


def test_one_replicate_a_setting_is_told() -> None:
    (made,) = PIECE.make(material_of(made=made_rows(3, replicates=1)))
    assert "all tasks: one replicate a setting: seeds are not told from settings" in made.caption


def test_tasks_without_a_value_are_told_as_such_and_not_as_bars() -> None:
    rows = made_rows(9)
    for row in rows:
        if row.number.isdecimal() and row.dataset != "data0" and row.shots > 1:
            object.__setattr__(row, "state", "PRUNED")
    (made,) = PIECE.make(material_of(made=rows))
    assert len(made.figure.axes[0].get_yticklabels()) == 1 + 5
    assert "Without a bar 4 tasks: no values" in made.caption
    assert "bars: no values" not in made.caption
