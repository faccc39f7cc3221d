"""Several objectives and constraints in tables, in results.parquet and on the way there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from nemesis_sweep.report.results import read_results, write_results
from nemesis_sweep.report.table import FRONT_ROWS, caption, plain_leaderboard
from nemesis_sweep.report.verdict import task_verdict
from nemesis_sweep.sweep.best import mark_best
from nemesis_sweep.sweep.row import Row
from tests.report.conftest import boards_of

BOTH = ("val/accuracy", "norm/mean")


@pytest.fixture
def rows(make_row: Callable[..., Row]) -> list[Row]:
    """CoOp has the largest norm; trial 2 is beaten by trial 1, trial 3 breaks a constraint, 4 has no norm."""

    def normed(number: str, val: float, norm: float, **more: Any) -> Row:
        row = make_row(number, [val - 1, val, val + 1], [val - 2, val - 1, val - 3], **more)
        row.metrics["norm/mean"] = norm
        row.replicates["norm/mean"] = [norm - 0.1, norm, norm + 0.1]
        return row

    return [
        make_row("zero_shot", [90.0] * 3, [90.0] * 3, baseline="zero_shot", omega=0.0, epochs=0),
        normed("coop", 70, 2.0, baseline="coop", omega=0.0),
        normed("0", 65, 1.0, baseline="paper", omega=10.0),
        normed("1", 60, 0.5),
        normed("2", 59, 0.75),
        normed("3", 80, 4.0, broken=["norm/mean <= 3"]),
        make_row("4", [99.0], [99.0]),
    ]


def test_the_front_holds_what_nothing_beats(rows: list[Row]) -> None:
    assert [row.number for row in mark_best(rows, BOTH) if row.front] == ["coop", "0", "1"]
    assert [row.number for row in mark_best(rows, ["val/accuracy"]) if row.front] == ["4"]
    assert [row.number for row in mark_best(rows, BOTH) if row.best] == ["coop"]
    marked = mark_best([*rows, replace(rows[4], study="another")], BOTH)
    assert [row.front for row in marked] == [False, True, True, True, False, False, False, True]


def test_results_say_what_is_on_the_front_and_what_is_broken(rows: list[Row], tmp_path: Path) -> None:
    table = pq.read_table(write_results(tmp_path, mark_best(rows, BOTH)))
    assert table["front"].to_pylist() == [False, True, True, True, False, False, False]
    assert table["broken"].to_pylist()[5] == ["norm/mean <= 3"]
    assert read_results(tmp_path)[5].broken == ["norm/mean <= 3"]


def test_the_table_lists_the_front_with_every_objective(rows: list[Row]) -> None:
    (board,) = boards_of(rows, BOTH)
    assert board.best is not None and board.best.number == "coop"
    text = plain_leaderboard([board])
    lines = [line.split() for line in text.splitlines()]
    assert lines[1] == ["val", "test", "norm/mean", "gain", "95", "%", "CI", "parameters"]
    assert lines[5][:9] == ["best", "found", "(CoOp)", "70.0", "±", "1.0", "68.0", "±", "1.0"]
    assert lines[5][9:12] == ["2", "±", "0.1"]
    assert [line[:5] for line in lines[6:8]] == [
        ["on", "the", "front", "(paper)", "65.0"],
        ["on", "the", "front", "(trial", "1)"],
    ]
    assert "among 4 complete trials" in text
    assert "3 of them on the Pareto front of val/accuracy, norm/mean" in text


def test_what_breaks_a_constraint_is_never_the_best_and_the_table_says_so(rows: list[Row]) -> None:
    (board,) = boards_of(rows[:6])
    assert board.best is not None and board.best.number == "coop"
    assert "* breaks one and cannot be the best: norm/mean <= 3 (1 trial)" in caption(board)
    assert board.more == ("norm/mean",)
    broken = [replace(row, broken=["val/accuracy <= 1"]) if row.number == "coop" else row for row in rows[:6]]
    (board,) = boards_of(broken)
    assert board.best is not None and board.best.number == "0"
    assert "plain CoOp *" in plain_leaderboard([board])


def test_no_trial_that_keeps_the_constraints_is_no_winner(rows: list[Row]) -> None:
    (board,) = boards_of([rows[5]])
    assert board.best is None
    assert "no trial that trains a prompt and keeps the constraints completed" in task_verdict(board)


def test_a_constraint_on_test_is_selection_on_test(rows: list[Row]) -> None:
    (board,) = boards_of([rows[1], replace(rows[5], broken=["test/accuracy >= 99"])])
    assert "BEST SELECTED ON TEST (test/accuracy)" in caption(board)


def test_seconds_are_an_objective(rows: list[Row]) -> None:
    timed = [replace(row, seconds=10.0 * place) for place, row in enumerate(rows[:5])]
    (board,) = boards_of(timed, ["seconds"])
    assert board.best is not None and board.best.number == "coop"
    assert board.best.more["seconds"].mean == 10.0
    assert "seconds" in plain_leaderboard([board]).splitlines()[1]


def test_a_long_front_is_cut_and_its_length_told(make_row: Callable[..., Row]) -> None:
    rows = [make_row(str(n), [50.0 + n], [50.0]) for n in range(40)]
    for n, row in enumerate(rows):
        row.metrics["norm/mean"] = 1.0 + n
    (board,) = boards_of(rows, BOTH)
    text = plain_leaderboard([board])
    assert text.count("on the front") == FRONT_ROWS - 1
    assert (
        f"40 of them on the Pareto front of val/accuracy, norm/mean, of which {FRONT_ROWS} are shown" in text
    )
