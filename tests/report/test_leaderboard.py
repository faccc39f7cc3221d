from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nemesis_sweep.report.leaderboard import leaderboard
from nemesis_sweep.report.results import read_results, write_results
from nemesis_sweep.report.table import plain_leaderboard
from nemesis_sweep.report.verdict import gain_over_tasks, sweep_verdict
from nemesis_sweep.spec.baselines import PROMPTLESS
from nemesis_sweep.sweep.best import mark_best
from nemesis_sweep.sweep.row import Row
from tests.report.conftest import boards_of


def test_rows_and_numbers_by_hand(rows: list[Row]) -> None:
    (board,) = boards_of(rows)
    assert [entry.label for entry in board.entries] == [
        "zero-shot",
        "plain CoOp",
        "paper's setting",
        "best found",
    ]
    assert board.best is not None
    assert board.best.number == "1"
    assert board.replicates == 3
    assert board.complete == 3
    assert board.searched == ("n_ctx", "omega")
    best = board.best
    assert best.val is not None and best.test is not None and best.gain is not None
    assert (best.val.mean, best.val.std) == (pytest.approx(65.0), pytest.approx(1.0))
    assert (best.test.mean, best.test.std) == (pytest.approx(62.0), pytest.approx(3**0.5))
    # Over CoOp 2, 3, 4: mean 3, standard deviation 1, margin 4.3027 / sqrt(3).
    assert best.gain.mean == pytest.approx(3.0)
    assert best.gain.low == pytest.approx(0.516, abs=1e-3)
    assert best.gain.high == pytest.approx(5.484, abs=1e-3)
    zero_shot, coop = board.entry("zero_shot"), board.entry("coop")
    assert zero_shot is not None and zero_shot.gain is not None
    assert zero_shot.gain.mean == pytest.approx(-18.0)
    assert coop is not None and coop.gain is None


def test_pruned_and_failed_trials_never_win(rows: list[Row]) -> None:
    assert boards_of(rows)[0].best.number == "1"


@pytest.mark.parametrize("name", PROMPTLESS)
def test_what_trains_no_prompt_is_no_candidate(make_row: Callable[..., Row], name: str) -> None:
    rows = [
        make_row(name, [80.0], [80.0], baseline=name),
        make_row("coop", [60.0], [60.0], baseline="coop", omega=0.0),
    ]
    (board,) = boards_of(rows)
    assert board.best is not None and board.best.baseline == "coop"
    assert board.complete == 1
    reference = board.entry(name)
    assert reference is not None and reference.gain is not None
    assert (reference.gain.mean, reference.is_nemesis) == (20.0, False)


def test_plain_coop_wins_if_nothing_beats_it(make_row: Callable[..., Row]) -> None:
    rows = [make_row("1", [60.0], [70.0]), make_row("coop", [60.0], [60.0], baseline="coop", omega=0.0)]
    assert boards_of(rows)[0].best.baseline == "coop"


def test_ties_go_to_the_lower_loss_then_to_the_earlier_trial(make_row: Callable[..., Row]) -> None:
    rows = [
        make_row("10", [60.0], [1.0], loss=0.5),
        make_row("9", [60.0], [2.0], loss=0.5),
        make_row("2", [60.0], [3.0], loss=0.7),
        make_row("coop", [60.0], [4.0], baseline="coop", omega=0.0, loss=0.9),
    ]
    assert boards_of(rows)[0].best.number == "9"
    rows[0].metrics["val/loss"] = float("nan")
    rows[1].metrics["val/loss"] = None
    assert boards_of(rows)[0].best.number == "2"


def test_trials_without_a_finite_value_are_no_candidates(make_row: Callable[..., Row]) -> None:
    broken, missing = make_row("1", [60.0], [60.0]), make_row("2", [60.0], [60.0])
    broken.metrics["val/accuracy"] = float("nan")
    del missing.metrics["val/accuracy"]
    (board,) = boards_of([broken, missing])
    assert board.best is None
    assert board.entries == ()
    assert board.replicates == 0


def test_another_objective_and_direction(rows: list[Row]) -> None:
    for loss, row in zip([5.0, 4.0, 0.5, 2.0], rows, strict=False):
        row.metrics["val/loss"] = loss
    assert boards_of(rows, ["val/loss"])[0].best.baseline == "paper"


def test_pairs_are_matched_by_seed(make_row: Callable[..., Row]) -> None:
    coop = make_row("coop", [60, 60, 60], [50.0, 60.0, 70.0], baseline="coop", omega=0.0, seeds=[1, 2, 3])
    best = make_row("1", [70, 70, 70], [71.0, 51.0, 61.0], seeds=[3, 1, 2])
    gain = boards_of([coop, best])[0].best.gain
    assert (gain.mean, gain.low, gain.high) == (pytest.approx(1), pytest.approx(1), pytest.approx(1))


def test_replicates_that_cannot_be_paired_have_no_interval(make_row: Callable[..., Row]) -> None:
    coop = make_row("coop", [60, 60], [50.0, 60.0], baseline="coop", omega=0.0, seeds=[1, 2])
    best = make_row("1", [70, 70], [58.0, 58.0], seeds=[3, 4])
    gain = boards_of([coop, best])[0].best.gain
    assert (gain.mean, gain.low, gain.high) == (pytest.approx(3.0), None, None)


def test_one_zero_shot_value_stands_against_every_seed(make_row: Callable[..., Row]) -> None:
    coop = make_row("coop", [60, 60], [50.0, 60.0], baseline="coop", omega=0.0)
    zero = make_row("zero_shot", [60], [58.0], baseline="zero_shot")
    gain = boards_of([zero, coop])[0].entry("zero_shot").gain
    assert gain.mean == pytest.approx(3.0)
    assert gain.n == 2
    assert gain.low is not None


def test_the_board_is_the_same_after_parquet(rows: list[Row], tmp_path: Any) -> None:
    write_results(tmp_path, mark_best(rows, ["val/accuracy"]))
    assert leaderboard(read_results(tmp_path)) == boards_of(rows)


def test_studies_keep_their_order(make_row: Callable[..., Row]) -> None:
    rows = [make_row("1", [1.0], [1.0], study=name) for name in ("b", "a", "b")]
    assert [board.study for board in boards_of(rows)] == ["b", "a"]


@pytest.fixture
def joint(make_row: Callable[..., Row]) -> list[Row]:
    """Trial 1 is best on clipart, trial 2 on digits; on the mean trial 2 is, and plain CoOp is the worst."""
    values = {"coop": (60.0, 40.0), "1": (70.0, 42.0), "2": (64.0, 58.0)}
    rows = []
    for number, (clipart, digits) in values.items():
        baseline = number if number == "coop" else ""
        tasks = {"clipart": clipart, "digits": digits, "mean": (clipart + digits) / 2}
        rows += [
            make_row(
                number,
                [level, level + 1],
                [level - 1, level + 1],
                study="joint",
                task=task,
                baseline=baseline,
            )
            for task, level in tasks.items()
        ]
    rows.append(make_row("3", [99.0], [99.0], study="joint", task="mean", state="PRUNED"))
    return rows


def test_the_mean_selects_one_trial_for_all_tasks(joint: list[Row]) -> None:
    boards = boards_of(joint)
    assert [board.study for board in boards] == ["clipart", "digits", "joint: mean over 2 tasks"]
    assert [board.best.number for board in boards] == ["2", "2", "2"]
    assert [board.best.val.mean for board in boards] == [64.5, 58.5, 61.5]
    assert [board.best.gain.mean for board in boards] == [pytest.approx(gain) for gain in (4.0, 18.0, 11.0)]
    assert [board.entry("coop").test.mean for board in boards] == [60.0, 40.0, 50.0]
    assert [board.is_mean for board in boards] == [False, False, True]
    assert {board.criterion for board in boards} == {"the mean val/accuracy of 2 tasks"}
    assert {board.complete for board in boards} == {3}


def test_a_joint_trial_without_a_mean_is_no_candidate(joint: list[Row]) -> None:
    left = [row for row in joint if (row.number, row.task) != ("2", "mean")]
    assert [board.best.number for board in boards_of(left)] == ["1", "1", "1"]


def test_the_mean_is_no_task_of_its_own_in_the_verdict(joint: list[Row]) -> None:
    boards = boards_of(joint)
    line = sweep_verdict(boards)
    assert line.startswith("2 tasks: ")
    assert "On average +11.0 points" in line
    assert gain_over_tasks([board.paired for board in boards[:2]]) == boards[2].best.gain


def test_pun_and_pan_stand_beside_each_other_where_both_were_tried(make_row: Callable[..., Row]) -> None:
    coop = make_row("coop", [60, 61], [58, 59], baseline="coop", omega=0.0)
    rows = [
        replace(made, params={**made.params, "beta": beta})
        for made, beta in (
            (make_row("0", [61, 62], [58, 59], baseline="paper"), 1.0),
            (make_row("1", [64, 65], [61, 62]), 1.0),
            (make_row("2", [62, 63], [60, 61]), 0.0),
            (make_row("3", [59, 60], [70, 70]), 0.0),
            (make_row("4", [70, 70], [70, 70], state="PRUNED"), 0.0),
        )
    ]
    (board,) = boards_of([coop, *rows])
    assert [(entry.label, entry.number) for entry in board.entries][2:] == [
        ("best found", "1"),
        ("best of PAN", "2"),
    ]
    shown = plain_leaderboard([board])
    assert "best of PAN (trial 2)" in shown and "best of PUN" not in shown
    # Plain CoOp is the best: both losses are shown. Only one was tried: it needs no row.
    best = make_row("coop", [80, 81], [58, 59], baseline="coop", omega=0.0)
    (board,) = boards_of([best, *rows])
    assert [entry.label for entry in board.entries][3:] == ["best of PUN", "best of PAN"]
    (board,) = boards_of([coop, *rows[:2]])
    assert "best of" not in plain_leaderboard([board])


def test_where_plain_coop_wins_the_best_of_the_search_is_shown(make_row: Callable[..., Row]) -> None:
    coop = make_row("coop", [80, 81], [58, 59], baseline="coop", omega=0.0)
    rows = [make_row("0", [61, 62], [50, 51]), make_row("1", [63, 64], [52, 53])]
    (board,) = boards_of([coop, *rows])
    assert [(entry.label, entry.number) for entry in board.entries][1:] == [
        ("best found", "coop"),
        ("best of the search", "1"),
    ]
    assert "best of the search (trial 1)" in plain_leaderboard([board])
    control = make_row("control-of-1", [50, 50], [49, 49], baseline="control", omega=0.0)
    (board,) = boards_of([coop, *rows, control])
    assert [entry.label for entry in board.entries][2:] == ["best of the search", "the same, omega 0"]


def test_without_a_penalty_there_is_neither_pun_nor_pan(make_row: Callable[..., Row]) -> None:
    """A trial with omega 0 trained neither loss, whatever its beta is."""
    coop = make_row("coop", [60, 61], [58, 59], baseline="coop", omega=0.0)
    rows = [
        replace(made, params={**made.params, "beta": beta})
        for made, beta in (
            (make_row("0", [72, 72], [70, 70], omega=0.0), 0.0),
            (make_row("1", [71, 71], [70, 70], omega=0.0), 1.0),
            (make_row("2", [62, 63], [60, 61]), 1.0),
            (make_row("3", [59, 60], [70, 70]), 0.0),
        )
    ]
    (board,) = boards_of([coop, *rows])
    assert [(entry.label, entry.number) for entry in board.entries][1:] == [
        ("best found", "0"),
        ("best of PUN", "2"),
        ("best of PAN", "3"),
    ]
    (board,) = boards_of([coop, *rows[:3]])
    assert "best of" not in plain_leaderboard([board])


def test_kinds_of_prompts_stand_beside_each_other_where_several_were_searched(
    make_row: Callable[..., Row],
) -> None:
    coop = make_row("coop", [60, 61], [58, 59], baseline="coop", omega=0.0)
    coop = replace(coop, params={**coop.params, "prompt": "coop"})
    rows = [
        replace(made, params={**made.params, "prompt": kind, "beta": beta})
        for made, kind, beta in (
            (make_row("0", [64, 65], [61, 62]), "kgcoop", 1.0),
            (make_row("1", [63, 63], [70, 70]), "kgcoop", 0.0),
            (make_row("2", [50, 51], [48, 49]), "plot", 1.0),
            (make_row("3", [52, 51], [48, 49], omega=0.0), "plot", 1.0),
            (make_row("4", [62, 62], [60, 60]), "coop", 1.0),
        )
    ]
    (board,) = boards_of([coop, *rows])
    assert [(entry.label, entry.number) for entry in board.entries][1:] == [
        ("best found", "0"),
        ("best of PAN", "1"),
        ("best of coop", "4"),
        ("best of plot", "3"),
    ]
    assert "best of plot (trial 3)" in plain_leaderboard([board])
    worse = replace(make_row("5", [50, 50], [48, 48]), params={"omega": 1.0, "beta": 0.0, "prompt": "coop"})
    # Plain CoOp, the best of its kind here, has a row already. A trial that is the best of two has one.
    (board,) = boards_of([coop, rows[0], rows[2], worse])
    assert [entry.label for entry in board.entries][2:] == ["best of PAN", "best of plot"]
    (board,) = boards_of([coop, rows[0], replace(rows[2], params={**rows[2].params, "beta": 0.0})])
    assert [entry.label for entry in board.entries][2:] == ["best of PAN and plot"]
    (board,) = boards_of([coop, *rows[:2]])
    assert [entry.label for entry in board.entries][2:] == ["best of PAN"]
