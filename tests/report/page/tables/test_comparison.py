from __future__ import annotations

import statistics

import pytest

from nemesis_sweep.report.page.formats.data import data_table
from nemesis_sweep.report.page.html import Shown
from nemesis_sweep.report.page.pieces import Note, ReportTable
from nemesis_sweep.report.page.tables.comparison import PIECE
from tests.report.page.made_rows import made_rows
from tests.report.page.materials import material_of

pytestmark = pytest.mark.filterwarnings("error")


def table(rows) -> ReportTable:
    (made,) = PIECE.make(material_of(made=rows))
    assert isinstance(made, ReportTable)
    return made


def test_a_row_has_what_its_replicates_give() -> None:
    rows = made_rows(8, ["zero_shot", "paper"])
    lines = {line["method"]: line for line in data_table(table(rows)).to_pylist()}
    by_task = {(row.task, row.number): row.replicates["test/accuracy"] for row in rows}
    gains = [
        [a - b for a, b in zip(by_task[task, "paper"], by_task[task, "coop"], strict=True)]
        for task in dict.fromkeys(row.task for row in rows)
    ]
    paper = lines["paper's setting"]
    assert paper["gain"] == pytest.approx(statistics.mean(map(statistics.mean, gains)))
    middle = sorted(gain for of_task in gains for gain in of_task)[6:18]
    assert paper["IQM of gains"] == pytest.approx(statistics.mean(middle))
    assert paper["gain low"] < paper["gain"] < paper["gain high"]
    assert (paper["gain n"], paper["tasks"], paper["replicates"]) == (24, 8, 3)


def test_the_best_found_says_what_chose_it_and_plain_coop_has_a_rank_only() -> None:
    lines = {line.cells[0]: line.cells for line in table(made_rows(8)).lines}
    assert lines["best found"][-1] == "val/accuracy"
    assert lines["plain CoOp"][1:5] == [None] * 4
    assert isinstance(lines["plain CoOp"][5], float)


def test_below_six_tasks_there_is_no_p() -> None:
    made = table(made_rows(5))
    assert {line.cells[4] for line in made.lines} == {None, "too few tasks"}
    assert "Friedman's test: too few tasks (5 of at least 6)" in made.caption


def test_from_six_tasks_on_there_is_one() -> None:
    made = table(made_rows(6))
    assert [type(line.cells[4]) for line in made.lines[1:]] == [float] * 3
    assert "Holm over 3 tests" in made.caption
    assert "Tasks of one dataset are not independent" in made.caption


def test_one_replicate_has_no_interval_and_the_caption_says_so() -> None:
    made = table(made_rows(3, replicates=1))
    assert made.caption.count("no interval: one replicate a task") == 1


def test_beside_another_sweep_it_is_too_wide_for_the_page_in_one_line() -> None:
    rows = made_rows(3, ["paper"])
    (both,) = PIECE.make(material_of(**{"pan-with-sgd": rows, "pan-with-adam": rows}))
    assert [Shown(each).wide for each in (table(rows), both)] == [False, True]


def test_of_one_task_there_is_no_table() -> None:
    assert list(PIECE.make(material_of(made=made_rows(1)))) == []


def test_without_plain_coop_a_note_says_what_is_missing() -> None:
    rows = [row for row in made_rows(3) if row.number != "coop"]
    (made,) = PIECE.make(material_of(made=rows))
    assert isinstance(made, Note)
    assert "search.baselines: coop" in made.text


def test_intervals_of_few_replicates_are_said_to_be_too_narrow() -> None:
    assert "With 3 replicates a task the bootstrap's intervals are too narrow" in table(made_rows(8)).caption
