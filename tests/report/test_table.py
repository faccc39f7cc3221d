from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from nemesis_sweep.report.cells import params_text
from nemesis_sweep.report.plain import board_values
from nemesis_sweep.report.results import read_results, write_results
from nemesis_sweep.report.table import (
    caption,
    cells,
    plain_leaderboard,
    print_leaderboard,
    shown_entries,
)
from nemesis_sweep.sweep.row import Row
from tests.report.conftest import boards_of

EXPECTED = """\
clipart-16shot
                            val         test  gain       95 % CI  parameters
zero-shot            42.0 ± 2.0   41.0 ± 0.0         -18.0  -20.5 to -15.5
plain CoOp           61.0 ± 1.0   59.0 ± 1.0             -             -  n_ctx=16 omega=0
paper's setting      62.0 ± 1.0   59.0 ± 1.7          +0.0   -2.5 to 2.5  n_ctx=8 omega=10
best found (trial 1)  65.0 ± 1.0   62.0 ± 1.7          +3.0    0.5 to 5.5  n_ctx=8 omega=3.16
"""


def test_plain_text(rows: list[Row]) -> None:
    text = plain_leaderboard(boards_of(rows))
    assert [line.split() for line in text.splitlines()[:6]] == [
        line.split() for line in EXPECTED.splitlines()
    ]
    assert "Best selected on val/accuracy among 3 complete trials" in text
    assert "standard deviation over 3 replicates" in text
    assert "1 task: Nemesis beat CoOp beyond noise in 1" in text
    ends = [len(line.split("  n_ctx")[0]) for line in text.splitlines()[3:6]]
    assert len(set(ends)) == 1


def test_without_a_trained_prompt_replicates_are_not_counted(make_row: Callable[..., Row]) -> None:
    probe = make_row("linear_probe", [75, 76, 77], [71.0, 72.0, 73.0], baseline="linear_probe")
    text = plain_leaderboard(boards_of([probe]))
    assert "among 0 complete trials. Accuracies in percent, mean ± standard deviation over the rep" in text


def test_plain_output_has_no_control_characters(rows: list[Row]) -> None:
    file = io.StringIO()
    print_leaderboard(boards_of(rows), Console(file=file, width=40))
    text = file.getvalue()
    assert "best found (trial 1)" in text
    assert all(char.isprintable() or char == "\n" for char in text)
    assert max(map(len, text.splitlines())) > 40  # lines are not folded for a pipe


def test_an_ascii_pipe_gets_ascii(rows: list[Row]) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    print_leaderboard(boards_of(rows), Console(file=file))
    file.flush()
    assert b"65.0 +- 1.0" in raw.getvalue()


def test_terminal_table_says_the_same(rows: list[Row]) -> None:
    console = Console(record=True, force_terminal=True, width=120, file=io.StringIO())
    print_leaderboard(boards_of(rows), console)
    text = console.export_text()
    for part in (
        "clipart-16shot",
        "best found (trial 1)",
        "65.0 ± 1.0",
        "0.5 to 5.5",
        "omega=3.16",
        "beyond noise",
    ):
        assert part in text
    assert "Best selected on val/accuracy" in text


def test_names_are_not_markup(rows: list[Row]) -> None:
    console = Console(record=True, force_terminal=True, width=120, file=io.StringIO())
    print_leaderboard(boards_of([replace(row, study="[red]x[/red]") for row in rows]), console)
    assert "[red]x[/red]" in console.export_text()


def test_selection_on_test_is_shouted(rows: list[Row]) -> None:
    (board,) = boards_of(rows, ["test/accuracy"])
    assert "BEST SELECTED ON TEST" in caption(board)


def test_one_replicate_is_said(make_row: Any) -> None:
    (board,) = boards_of([make_row("1", [60.0], [50.0])])
    assert "one replicate" in caption(board)
    assert "60.0 " in plain_leaderboard([board])
    assert "±" not in plain_leaderboard([board])


def test_parameters_are_short() -> None:
    assert params_text({"omega": 3.16227766, "n_ctx": 8, "norm": "inf"}) == "omega=3.16 n_ctx=8 norm=inf"


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("objectives", [("val/accuracy",), ("val/accuracy", "val/loss")])
def test_nothing_is_cut_on_a_narrow_terminal(rows, width, objectives):
    out = io.StringIO()
    boards = boards_of(rows, objectives)
    print_leaderboard(boards, Console(file=out, width=width, force_terminal=True, color_system=None))
    shown = out.getvalue()
    assert "…" not in shown
    assert all(len(line.rstrip()) <= width for line in shown.splitlines())
    together = " ".join(shown.split())
    for board in boards:
        for entry in shown_entries(board):
            for cell in cells(board, entry):
                assert " ".join(cell.split()) in together


def test_the_test_sets_of_a_protocol_have_columns_of_their_own(make_row):
    def with_sets(*arguments, **more):
        made = make_row(*arguments, **more)
        made.metrics.update({"test/H": 35.9, "test/new": 32.5, "test/base": 40.0})
        made.replicates.update({"test/new": [32.0, 33.0], "test/base": [39.0, 41.0]})
        return made

    coop = with_sets("coop", [60, 61], [58, 59], baseline="coop", omega=0.0)
    (board,) = boards_of([coop, with_sets("1", [62, 63], [59, 61])])
    assert board.more == ("test/base", "test/new", "test/H")
    shown = plain_leaderboard([board])
    assert "40.0 ± 1.4" in shown and "32.5 ± 0.7" in shown
    assert "  35.9  " in shown
    assert "test/H: harmonic mean of the means of base and new, as papers report it;" in shown


def test_plain_coop_is_not_compared_with_itself(make_row):
    (board,) = boards_of([make_row("coop", [60, 61], [58, 59], baseline="coop", omega=0.0)])
    assert board.best is not None and board.best.gain is None
    assert "0.0 to 0.0" not in plain_leaderboard([board]).splitlines()[3]


def test_settings_that_changed_nothing_are_not_shown(make_row):
    """With PUN alone nothing is corrupted; without a penalty omega is all there is to say."""
    rows = [
        make_row("coop", [60, 61], [58, 59], baseline="coop", omega=0.0),
        make_row("0", [61, 61], [58, 59], baseline="paper", omega=10.0),
        make_row("1", [62, 62], [58, 59], omega=3.0),
    ]
    for row, beta in zip(rows, (0.0, 1.0, 0.0), strict=True):
        row.config.update({"beta": beta, "corruption": 0.5, "selection": "accuracy"})
        row.params.update({} if row.baseline == "coop" else {"beta": beta})
    rows[2].params["corruption"] = 0.25
    (board,) = boards_of(rows)
    parameters = [cells(board, entry)[-1] for entry in shown_entries(board)]
    assert parameters == [
        "n_ctx=16 omega=0",
        "beta=1 n_ctx=8 omega=10",
        "beta=0 corruption=0.25 n_ctx=8 omega=3",
    ]


def test_the_caption_says_why_a_search_asked_for_no_more_trials(rows: list[Row], tmp_path) -> None:
    told = "stopped after 43 of 200 trials: possible improvement 0.21 below the error of 0.9"
    write_results(tmp_path, [replace(row, stopped=told) for row in rows])
    (board,) = boards_of(read_results(tmp_path))
    assert f". The search {told}" in caption(board)
    assert board_values(board)["stopped"] == told
    (silent,) = boards_of(rows)
    assert "The search" not in caption(silent) and board_values(silent)["stopped"] == ""
