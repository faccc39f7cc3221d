from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nemesis_sweep.report.table import caption, cells
from nemesis_sweep.report.verdict import Outcome, gain_over_tasks, outcome, sweep_verdict, task_verdict
from nemesis_sweep.sweep.row import Row
from tests.report.conftest import boards_of


@pytest.fixture
def coop(make_row: Callable[..., Row]) -> Row:
    return make_row("coop", [60, 60, 60], [50.0, 60.0, 70.0], baseline="coop", omega=0.0)


def against(coop: Row, make_row: Callable[..., Row], test: list[float], **more: Any) -> Any:
    return boards_of([coop, make_row("1", [70] * len(test), test, **more)])[0]


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


def test_plain_coop_alone_beat_nothing(coop: Row) -> None:
    board = boards_of([coop])[0]
    assert outcome(board) is Outcome.ALONE
    assert task_verdict(board) == "clipart-16shot: no other prompt than plain CoOp has completed"
    assert sweep_verdict([board]) == "1 task: plain CoOp was the only prompt in 1"


def test_plain_coop_alone_is_no_mean_gain_of_zero(coop: Row) -> None:
    boards = boards_of([coop, replace(coop, study="digits-1shot")])
    assert sweep_verdict(boards) == "2 tasks: plain CoOp was the only prompt in 2"


def test_plain_coop_that_nothing_beats_is_no_mean_gain_of_zero(
    coop: Row, make_row: Callable[..., Row]
) -> None:
    boards = boards_of([coop, make_row("1", [50, 50, 50], [52.0, 62.1, 71.9])])
    assert sweep_verdict(boards) == "1 task: no other prompt beat plain CoOp in 1"


def test_plain_coop_is_named_when_nothing_beats_it(coop: Row, make_row: Callable[..., Row]) -> None:
    board = boards_of([coop, make_row("1", [50, 50, 50], [52.0, 62.1, 71.9])])[0]
    assert outcome(board) is Outcome.COOP
    assert task_verdict(board) == (
        "clipart-16shot: no other prompt that was tried beat plain CoOp on val/accuracy"
    )


def test_a_win_without_penalty_is_not_nemesis(coop: Row, make_row: Callable[..., Row]) -> None:
    board = against(coop, make_row, [52.0, 62.1, 71.9], omega=0.0)
    assert outcome(board) is Outcome.NO_PENALTY
    assert "not Nemesis's doing" in task_verdict(board)
    assert "of that the penalties" not in sweep_verdict([board])


def test_a_row_that_wins_is_named_as_none_of_nemesis_doing(coop: Row, make_row: Callable[..., Row]) -> None:
    row = make_row("1", [70] * 3, [62.0, 72.1, 81.9], omega=0.0, config={"prompt": "taskres"})
    boards = boards_of([coop, row])
    assert outcome(boards[0]) is Outcome.NO_PROMPT
    assert "it is TaskRes, which trains no prompt, so this is not Nemesis's doing" in task_verdict(boards[0])
    told = sweep_verdict(boards * 2)
    assert told.startswith(
        "2 tasks: the best trained no prompt in 2. On average +12.0 points on test over CoOp"
    )
    assert "none of the best has a norm penalty, so this is not Nemesis's doing" in told


def test_training_below_zero_shot_is_told(coop: Row, make_row: Callable[..., Row]) -> None:
    zero = make_row("zero_shot", [60] * 3, [90.0] * 3, baseline="zero_shot")
    board = boards_of([coop, zero, make_row("1", [70] * 3, [52.0, 62.1, 71.9])])[0]
    assert task_verdict(board).endswith("; 28.0 points below zero-shot on test")


def test_a_reference_that_beat_plain_coop_is_named(coop: Row, make_row: Callable[..., Row]) -> None:
    """`Nothing beat plain CoOp` is not so where a linear probe did, in the same table."""
    probe = make_row("linear_probe", [75, 75, 75], [71.0, 72.0, 73.0], baseline="linear_probe")
    zero = make_row("zero_shot", [50, 50, 50], [40.0, 40.0, 40.0], baseline="zero_shot")
    ensemble = make_row("zero_shot_ensemble", [61, 61, 62], [66.0] * 3, baseline="zero_shot_ensemble")
    boards = boards_of([coop, probe, zero, ensemble, make_row("1", [50, 50, 50], [52.0, 62.1, 71.9])])
    assert task_verdict(boards[0]) == (
        "clipart-16shot: no other prompt that was tried beat plain CoOp on val/accuracy; linear probe "
        "(75.0 against 60.0) and zero-shot, ensemble (61.3 against 60.0) did; 12.0 points below linear probe "
        "and 6.0 below zero-shot, ensemble on test"
    )
    told = sweep_verdict(boards)
    assert told.endswith(
        ". On test the best found is behind linear probe in 1 task and zero-shot, ensemble in 1 task"
    )
    by_loss = {"val/loss": 0.5}
    lower = [replace(probe, metrics={**probe.metrics, **by_loss})]
    worse = make_row("1", [50, 50, 50], [52.0, 62.1, 71.9], loss=2.0)
    (board,) = boards_of([coop, worse, *lower], ["val/loss"])
    assert "; linear probe (0.5 against 1) did" in task_verdict(board)


def test_of_many_references_the_best_two_are_named(coop: Row, make_row: Callable[..., Row]) -> None:
    tests = {"linear_probe": 75.0, "taskres": 70.0, "tip_adapter": 80.0, "clip_adapter": 66.0}
    rows = [make_row(name, [value] * 3, [value] * 3, baseline=name) for name, value in tests.items()]
    boards = boards_of([coop, *rows, make_row("1", [70] * 3, [52.0, 62.1, 71.9])])
    told = "; 18.0 points below Tip-Adapter, 13.0 below linear probe and 2 other references on test"
    assert task_verdict(boards[0]).endswith(told)
    assert "; Tip-Adapter" not in task_verdict(boards[0])
    told = "behind Tip-Adapter in 2 tasks, linear probe in 2 tasks and 2 other references"
    assert sweep_verdict(boards * 2).endswith(told)


def test_what_is_as_good_as_a_reference_to_a_decimal_is_not_below_it(
    coop: Row, make_row: Callable[..., Row]
) -> None:
    zero = make_row("zero_shot", [60] * 3, [62.02] * 3, baseline="zero_shot")
    (board,) = boards_of([coop, zero, make_row("1", [70] * 3, [62.0, 62.0, 62.0])])
    assert "below" not in task_verdict(board)
    assert "behind" not in sweep_verdict([board])


def test_a_joint_study_compares_references_where_its_means_are(make_row: Callable[..., Row]) -> None:
    rows = [
        make_row(name, [level], [level], study="joint", task=task, baseline=baseline, omega=0.0)
        for name, baseline, clipart, digits in (
            ("coop", "coop", 50.0, 40.0),
            ("linear_probe", "linear_probe", 45.0, 70.0),
            ("1", "", 40.0, 30.0),
        )
        for task, level in (("clipart", clipart), ("digits", digits), ("mean", (clipart + digits) / 2))
    ]
    clipart, digits, mean = map(task_verdict, boards_of(rows))
    assert "did" not in clipart and "below" not in clipart
    assert "did" not in digits and digits.endswith("30.0 points below linear probe on test")
    assert "linear probe (57.5 against 45.0) did" in mean


def with_pan(row: Row, share: list[list[float]], **config: Any) -> Row:
    return replace(row, selected_share=share, config={**row.config, **config})


def test_how_often_pan_selected_is_told(coop: Row, make_row: Callable[..., Row]) -> None:
    """Of 2 positions a step each of 4 vectors is drawn in half of the steps: shares add up to 2 at most."""
    best = make_row("1", [70] * 3, [52.0, 62.1, 71.9])
    other = make_row("2", [65] * 3, [51.0, 61.0, 71.0])
    often = with_pan(best, [[0.2, 0.1, 0.1, 0.0], [0.4, 0.0, 0.0, 0.0]], n_positions=2)
    rarely = with_pan(other, [[0.01, 0.0, 0.0, 0.0], [0.0, 0.0, 0.01, 0.0]], n_positions=1)
    (board,) = boards_of([coop, often, rarely])
    assert board.best is not None and board.best.selected == pytest.approx(20.0)
    assert board.selected == (pytest.approx(20.0), pytest.approx(1.0))
    assert "; PAN selected 20.0 % of the positions that it drew" in task_verdict(board)
    assert "hardly acted" not in task_verdict(board)
    told = "PAN selected 1.0 to 20.0 % of the positions that it drew (2 trials)"
    assert sweep_verdict([board]).endswith(f". {told}")
    assert caption(board).endswith(f". {told}")
    assert cells(board, board.best)[-1].endswith(" selected=20.0%")
    (board,) = boards_of([coop, replace(rarely, selected_share=[[0.0001] * 2])])
    assert task_verdict(board).endswith(
        "; PAN selected < 0.1 % of the positions that it drew, so the penalty hardly acted"
    )
    (mixed,) = boards_of([coop, with_pan(best, [[0.01, 0.01]], beta=0.5)])
    assert "PAN selected 2.0 %" in task_verdict(mixed) and "hardly" not in task_verdict(mixed)


@pytest.mark.parametrize("config", [{"omega": 0.0}, {"selection": "random"}])
def test_where_pan_has_no_choice_nothing_is_said_of_it(
    coop: Row, make_row: Callable[..., Row], config: dict[str, Any]
) -> None:
    row = make_row("1", [70] * 3, [52.0, 62.1, 71.9], params={"n_ctx": 8})
    (board,) = boards_of([coop, with_pan(row, [[1.0]], **config)])
    assert board.selected == ()
    assert "PAN" not in task_verdict(board) + sweep_verdict([board]) + caption(board)


def test_without_coop_there_is_nothing_to_compare(make_row: Callable[..., Row]) -> None:
    board = boards_of([make_row("1", [70], [70.0])])[0]
    assert outcome(board) is Outcome.INCOMPLETE
    assert "plain CoOp has not completed" in task_verdict(board)
    empty = boards_of([make_row("1", [70], [70.0], state="FAIL")])[0]
    assert task_verdict(empty) == "clipart-16shot: no trial that trains a prompt completed"
    # A reference that is complete is a trial, and in the table.
    zero = boards_of([make_row("zero_shot", [40], [41.0], baseline="zero_shot")])[0]
    assert zero.entry("zero_shot") is not None
    assert task_verdict(zero) == "clipart-16shot: no trial that trains a prompt completed"
    assert sweep_verdict([]) == "Nothing to compare: no task has a result"


def test_the_sweep_averages_tasks_seed_by_seed(coop: Row, make_row: Callable[..., Row]) -> None:
    first = against(coop, make_row, [52.0, 62.0, 74.0])
    stays = boards_of([replace(coop, study="digits-1shot")])[0]
    gain = gain_over_tasks([first.paired, stays.paired])
    # Gains 2, 2, 4 and 0, 0, 0: per seed 1, 1, 2; mean 4/3, standard deviation 0.57735, margin 4.3027 / 3.
    assert gain is not None
    assert gain.mean == pytest.approx(4 / 3)
    assert gain.low == pytest.approx(4 / 3 - 1.4342, abs=1e-3)
    line = sweep_verdict([first, stays])
    assert line.startswith("2 tasks: ")
    assert "plain CoOp was the only prompt in 1" in line
    assert line.endswith("+1.3 points on test over CoOp (95 % CI -0.1 to 2.8, 3 replicates): within noise")


def test_no_mean_over_tasks_that_share_no_seeds(coop: Row, make_row: Callable[..., Row]) -> None:
    one = make_row("coop", [60], [60.0], baseline="coop", omega=0.0, study="digits-1shot")
    boards = boards_of([coop, one])
    assert gain_over_tasks([board.paired for board in boards]) is None
    assert "On average" not in sweep_verdict(boards)


def test_a_lead_that_the_same_has_without_penalty_is_not_nemesis(
    coop: Row, make_row: Callable[..., Row]
) -> None:
    """Plain CoOp stands at another number of context vectors, so the control is what to compare with."""
    config = {"prompt": "coop", "n_ctx": 8, "beta": 0.0, "omega": 1.0}
    best = make_row("3", [70, 70, 70], [60.0, 70.1, 80.0], config=config)
    (alone,) = boards_of([coop, best])
    assert alone.penalty_gain is None
    assert task_verdict(alone).endswith("how much of it is the penalty's is not known, without its control")
    without = {"baseline": "control", "omega": 0.0, "config": {**config, "omega": 0.0}}
    control = make_row("control-of-3", [69, 69, 69], [60.1, 69.9, 80.1], **without)
    stale = make_row("control-of-7", [50, 50, 50], [1.0, 1.0, 1.0], **without)
    (board,) = boards_of([coop, best, control, stale])
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
    (board,) = boards_of([coop, best, control])
    assert board.best is not None and board.best.number == "control-of-3"
    assert outcome(board) is Outcome.NO_PENALTY
    assert board.penalty_gain is not None and board.penalty_gain.mean == 0
