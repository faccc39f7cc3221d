from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nemesis_sweep.report.leaderboard import leaderboard
from nemesis_sweep.report.verdict import Outcome, mean_gain, outcome, sweep_verdict, task_verdict

Row = dict[str, Any]


@pytest.fixture
def coop(make_row: Callable[..., Row]) -> Row:
    return make_row("coop", [60, 60, 60], [50.0, 60.0, 70.0], baseline="coop", omega=0.0)


def against(coop: Row, make_row: Callable[..., Row], test: list[float], **more: Any) -> Any:
    return leaderboard([coop, make_row("1", [70] * len(test), test, **more)])[0]


@pytest.mark.parametrize(
    ("test", "expected", "words"),
    [
        (
            [52.0, 62.1, 71.9],
            Outcome.BETTER,
            "+2.0 points on test over CoOp (95 % CI 1.8 to 2.2, 3 replicates)",
        ),
        ([51.0, 60.0, 72.6], Outcome.NOISE, "(95 % CI -2.1 to 4.5, 3 replicates): within noise"),
        ([48.0, 58.1, 67.9], Outcome.WORSE, "-2.0 points on test over CoOp"),
    ],
)
def test_against_coop(
    coop: Row, make_row: Callable[..., Row], test: list[float], expected: Outcome, words: str
) -> None:
    board = against(coop, make_row, test)
    assert outcome(board) is expected
    assert words in task_verdict(board)


def test_one_replicate_says_nothing_about_noise(make_row: Callable[..., Row]) -> None:
    coop = make_row("coop", [60], [60.0], baseline="coop", omega=0.0)
    board = against(coop, make_row, [65.0])
    assert outcome(board) is Outcome.UNKNOWN
    assert task_verdict(board) == (
        "clipart-16shot: best found +5.0 points on test over CoOp (one replicate, no interval): noise unknown"
    )
    assert "nothing can be said about noise in 1" in sweep_verdict([board])


def test_plain_coop_is_named_when_nothing_beats_it(coop: Row) -> None:
    board = leaderboard([coop])[0]
    assert outcome(board) is Outcome.COOP
    assert task_verdict(board) == "clipart-16shot: nothing that was tried beat plain CoOp on val/accuracy"


def test_a_win_without_penalty_is_not_nemesis(coop: Row, make_row: Callable[..., Row]) -> None:
    board = against(coop, make_row, [52.0, 62.1, 71.9], omega=0.0)
    assert outcome(board) is Outcome.NO_PENALTY
    assert "not Nemesis's doing" in task_verdict(board)


def test_training_below_zero_shot_is_told(coop: Row, make_row: Callable[..., Row]) -> None:
    zero = make_row("zero_shot", [60] * 3, [90.0] * 3, baseline="zero_shot")
    board = leaderboard([coop, zero, make_row("1", [70] * 3, [52.0, 62.1, 71.9])])[0]
    assert task_verdict(board).endswith("; 28.0 points below zero-shot on test")


def test_without_coop_there_is_nothing_to_compare(make_row: Callable[..., Row]) -> None:
    board = leaderboard([make_row("1", [70], [70.0])])[0]
    assert outcome(board) is Outcome.INCOMPLETE
    assert "plain CoOp did not complete" in task_verdict(board)
    empty = leaderboard([make_row("1", [70], [70.0], state="FAIL")])[0]
    assert task_verdict(empty) == "clipart-16shot: no trial completed"
    assert sweep_verdict([]) == "Nothing to compare: no task has a result"


def test_the_sweep_averages_tasks_seed_by_seed(coop: Row, make_row: Callable[..., Row]) -> None:
    first = against(coop, make_row, [52.0, 62.0, 74.0])
    stays = leaderboard([{**coop, "study": "digits-1shot"}])[0]
    gain = mean_gain([first.paired, stays.paired])
    # Gains 2, 2, 4 and 0, 0, 0: per seed 1, 1, 2; mean 4/3, standard deviation 0.57735, margin 4.3027 / 3.
    assert gain is not None
    assert gain.mean == pytest.approx(4 / 3)
    assert gain.low == pytest.approx(4 / 3 - 1.4342, abs=1e-3)
    line = sweep_verdict([first, stays])
    assert line.startswith("2 tasks: ")
    assert "plain CoOp stayed the best in 1" in line
    assert line.endswith("+1.3 points on test over CoOp (95 % CI -0.1 to 2.8, 3 replicates): within noise")


def test_no_mean_over_tasks_that_share_no_seeds(coop: Row, make_row: Callable[..., Row]) -> None:
    one = make_row("coop", [60], [60.0], baseline="coop", omega=0.0, study="digits-1shot")
    boards = leaderboard([coop, one])
    assert mean_gain([board.paired for board in boards]) is None
    assert "On average" not in sweep_verdict(boards)


def test_a_lead_that_the_same_has_without_penalty_is_not_nemesis(
    coop: Row, make_row: Callable[..., Row]
) -> None:
    """Plain CoOp stands at another number of context vectors, so the control is what to compare with."""
    config = {"prompt": "coop", "n_ctx": 8, "beta": 0.0, "omega": 1.0}
    best = make_row("3", [70, 70, 70], [60.0, 70.1, 80.0], config=config)
    (alone,) = leaderboard([coop, best])
    assert alone.penalty_gain is None
    assert task_verdict(alone).endswith("how much of it is the penalty's is not known, without its control")
    without = {"baseline": "control", "omega": 0.0, "config": {**config, "omega": 0.0}}
    control = make_row("control-of-3", [69, 69, 69], [60.1, 69.9, 80.1], **without)
    stale = make_row("control-of-7", [50, 50, 50], [1.0, 1.0, 1.0], **without)
    (board,) = leaderboard([coop, best, control, stale])
    assert board.best is not None and board.best.number == "3"
    assert [entry.number for entry in board.entries] == ["coop", "3", "control-of-3"]
    assert board.penalty == {1: (60.0, 60.1), 2: (70.1, 69.9), 3: (80.0, 80.1)}
    assert outcome(board) is Outcome.NOISE
    told = task_verdict(board)
    assert "; of that the penalty +0.0 (95 % CI -0.4 to 0.4): within noise" in told
    assert "; of that the penalties +0.0 (95 % CI -0.4 to 0.4): within noise" in sweep_verdict([board])


def test_a_control_that_is_better_on_validation_is_the_best_and_not_nemesis(
    coop: Row, make_row: Callable[..., Row]
) -> None:
    best = make_row("3", [70, 70, 70], [60.0, 70.0, 80.0])
    control = make_row("control-of-3", [71, 71, 71], [60.0, 70.0, 81.0], baseline="control", omega=0.0)
    (board,) = leaderboard([coop, best, control])
    assert board.best is not None and board.best.number == "control-of-3"
    assert outcome(board) is Outcome.NO_PENALTY
    assert board.penalty_gain is not None and board.penalty_gain.mean == 0
