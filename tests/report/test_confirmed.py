"""The best on fresh seeds, beside the scores that selected them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from nemesis_sweep.report.confirmed_table import about, confirmed_table
from nemesis_sweep.report.plain import board_values
from nemesis_sweep.report.results import read_results, write_results
from nemesis_sweep.report.table import plain_leaderboard, print_leaderboard
from nemesis_sweep.report.verdict import sweep_verdict, task_verdict
from nemesis_sweep.sweep.row import Row
from tests.report.conftest import boards_of

AGAIN = {
    "1": ([62.0, 63.0, 64.0, 63.0], [59.0, 62.0, 60.0, 59.0]),
    "0": ([62.0, 62.0, 62.0, 62.0], [90.0, 90.0, 90.0, 90.0]),
    "coop": ([60.0, 61.0, 61.0, 62.0], [58.0, 60.0, 60.0, 58.0]),
}


def again(make_row: Callable[..., Row], number: str, **more) -> Row:
    val, test = AGAIN[number]
    return make_row(f"confirm-of-{number}", val, test, baseline="confirm", seeds=[4, 5, 6, 7], **more)


@pytest.fixture
def confirmed(rows: list[Row], make_row: Callable[..., Row]) -> list[Row]:
    return [*rows, *(again(make_row, number) for number in AGAIN)]


def test_by_hand(confirmed: list[Row]) -> None:
    (board,) = boards_of(confirmed)
    best, paper, coop = board.confirmed
    assert [each.number for each in board.confirmed] == ["1", "0", "coop"]
    assert best is board.best_confirmed and best.seeds == (4, 5, 6, 7)
    assert best.selected is not None and best.selected.val == board.best.val
    # 63 after 65, and 60 after 62: the choice flattered it by 2.
    assert (best.val_difference, best.test_difference) == (pytest.approx(-2.0), pytest.approx(-2.0))
    # Over CoOp on the same seeds 1, 2, 0, 1: mean 1, deviation 0.816, margin 3.182 * 0.816 / 2.
    assert best.gain is not None and best.gain.n == 4
    assert (best.gain.mean, best.gain.low) == (pytest.approx(1.0), pytest.approx(-0.299, abs=1e-3))
    assert best.paired == {4: (59.0, 58.0), 5: (62.0, 60.0), 6: (60.0, 60.0), 7: (59.0, 58.0)}
    assert (paper.selected.label, coop.selected.label) == ("paper's setting", "plain CoOp")
    assert coop.gain is None and coop.val_difference == pytest.approx(0.0)


def test_a_confirmation_changes_nothing_else_of_a_table(rows: list[Row], confirmed: list[Row]) -> None:
    """One that is better than everything is not the best, nor a row, nor counted."""
    (before,), (after,) = boards_of(rows), boards_of(confirmed)
    assert replace(after, confirmed=()) == before and before.confirmed == ()
    assert before.best_confirmed is None and "fresh" not in plain_leaderboard([before])


def test_one_that_failed_is_left_out_and_coop_need_not_be_a_row(
    rows: list[Row], make_row: Callable[..., Row]
) -> None:
    kept = [row for row in rows if row.number != "coop"]
    failed = again(make_row, "0", state="FAIL", reason="died")
    (board,) = boards_of([*kept, failed, again(make_row, "1"), again(make_row, "coop")])
    best, coop = board.confirmed
    assert best.gain is not None and best.selected.gain is None
    assert coop.selected is None and coop.val_difference is None
    assert confirmed_table(board.confirmed)[-1][:4] == ("plain CoOp", "-", "61.0 ± 0.8", "-")


def test_the_table_of_cells(confirmed: list[Row]) -> None:
    (board,) = boards_of(confirmed)
    header, best, *_ = confirmed_table(board.confirmed)
    assert header[:4] == ("on fresh seeds", "val selected", "confirmed", "change")
    assert best == (
        *("best found (trial 1)", "65.0 ± 1.0", "63.0 ± 0.8", "-2.0", "62.0 ± 1.7", "60.0 ± 1.4", "-2.0"),
        *("+1.0", "-0.3 to 2.3"),
    )
    assert len(confirmed_table(board.confirmed, narrow=True)[0]) == len(header) - 2
    assert confirmed_table(()) == [] and about(()) == ""
    assert "seeds 4 to 7, which selected nothing" in about(board.confirmed)


def test_it_is_told_on_a_narrow_screen_in_plain_text_as_json_and_in_the_verdicts(
    confirmed: list[Row],
) -> None:
    boards = boards_of(confirmed)
    (board,) = boards
    screen = Console(file=StringIO(), width=80, force_terminal=True, color_system=None)
    print_leaderboard(boards, screen)
    for text in (screen.file.getvalue(), plain_leaderboard(boards)):
        assert "on fresh seeds" in text and "-0.3 to 2.3" in text and "…" not in text
    assert (
        "; on 4 fresh seeds +1.0 (95 % CI -0.3 to 2.3): within noise, "
        "val -2.0 and test -2.0 against the seeds that selected it"
    ) in task_verdict(board)
    assert ". On fresh seeds +1.0 points on test over CoOp (95 % CI -0.3 to 2.3, 4 replicates)" in (
        sweep_verdict(boards)
    )
    told = json.loads(json.dumps(board_values(board)))["confirmed"][0]
    assert (told["trial"], told["seeds"], told["val_difference"]) == ("1", [4, 5, 6, 7], -2.0)
    assert (told["selected"]["val"]["n"], told["confirmed"]["val"]["n"], told["gain"]["n"]) == (3, 4, 4)


def test_results_tell_them_apart_and_give_the_same_table(confirmed: list[Row], tmp_path) -> None:
    write_results(tmp_path, confirmed)
    read = read_results(tmp_path)
    assert [row.baseline for row in read].count("confirm") == 3
    (found,), (made,) = boards_of(read), boards_of(confirmed)
    assert confirmed_table(found.confirmed) == confirmed_table(made.confirmed)
    assert [each.paired for each in found.confirmed] == [each.paired for each in made.confirmed]


def test_in_a_joint_study_the_mean_decides_and_every_task_has_its_own(
    confirmed: list[Row],
) -> None:
    rows = [
        replace(row, study="joint", task=task)
        for row in confirmed
        for task in ("clipart", "emoji", "mean")
        if row.state == "COMPLETE"
    ]
    boards = boards_of(rows)
    assert [[each.number for each in board.confirmed] for board in boards] == [["1", "0", "coop"]] * 3
