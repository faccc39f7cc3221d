"""The best of every kind of prompt with each loss, beside their controls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from nemesis_sweep.report.kinds_table import kinds_table
from nemesis_sweep.report.plain import board_values
from nemesis_sweep.report.table import plain_leaderboard, print_leaderboard
from nemesis_sweep.sweep.row import Row
from tests.report.conftest import boards_of

TRIALS = (
    ("0", "kgcoop", 1.0, 1.0, [70, 72], [61, 63]),
    ("1", "kgcoop", 1.0, 0.0, [60, 62], [90, 90]),  # Better on test, but not chosen.
    ("2", "kgcoop", 0.0, 1.0, [55, 57], [50, 52]),
    ("3", "plot", 1.0, 0.0, [65, 65], [64, 64]),
    ("4", "plot", 1.0, 0.0, [66, 66], [62, 66]),
    ("5", "coop", 1.0, 0.5, [50, 50], [40, 40]),
)


@pytest.fixture
def rows(make_row: Callable[..., Row]) -> list[Row]:
    made = [make_row("coop", [60, 61], [58, 59], baseline="coop", omega=0.0)]
    for number, kind, omega, beta, val, test in TRIALS:
        row = make_row(number, val, test, omega=omega)
        params = {**row.params, "prompt": kind, "beta": beta}
        made.append(replace(row, params=params, config={**row.params, **params}))
    control = make_row("control-of-0", [1, 1], [60, 61], baseline="control", omega=0.0)
    return [*made, replace(control, config={"prompt": "kgcoop"})]


def test_by_hand(rows: list[Row]) -> None:
    (board,) = boards_of(rows)
    found = {row.kind: {loss: tried.best.number for loss, tried in row.tried.items()} for row in board.kinds}
    kgcoop = {"none": "2", "PUN": "0", "PAN": "1"}
    assert found == {"coop": {"mix": "5"}, "kgcoop": kgcoop, "plot": {"PAN": "4"}}
    pun = next(row for row in board.kinds if row.kind == "kgcoop").tried["PUN"]
    assert pun.control is not None and pun.control.number == "control-of-0"
    # Over its control 1 and 2.
    assert pun.adds is not None and (pun.adds.mean, pun.adds.n) == (pytest.approx(1.5), 2)
    pun_cells = ("62.0 ± 1.4", "60.5 ± 0.7", "+1.5 (-4.9 to 7.9)")
    assert kinds_table(board.kinds) == [
        ("kind", "none", "PUN", "control", "adds", "PAN", "control", "adds", "mix", "control", "adds"),
        ("coop", "-", "-", "-", "-", "-", "-", "-", "40.0 ± 0.0", "-", "-"),
        ("kgcoop", "51.0 ± 1.4", *pun_cells, "90.0 ± 0.0", "-", "-", "-", "-", "-"),
        ("plot", "-", "-", "-", "-", "64.0 ± 2.8", "-", "-", "-", "-", "-"),
    ]


def test_one_kind_needs_no_table(rows: list[Row]) -> None:
    (board,) = boards_of([row for row in rows if row.params.get("prompt") in (None, "kgcoop")])
    assert board.kinds == () and "adds" not in plain_leaderboard([board])


def test_it_stands_in_every_form_of_the_leaderboard(rows: list[Row]) -> None:
    boards = boards_of(rows)
    told = json.loads(json.dumps(board_values(boards[0])))["kinds"]["kgcoop"]
    assert told["PUN"]["adds"]["mean"] == pytest.approx(1.5)
    assert told["PUN"]["control"]["number"] == "control-of-0" and told["none"]["control"] is None
    lines = plain_leaderboard(boards).splitlines()
    (line,) = (each for each in lines if each.startswith("kgcoop"))
    assert line.split("  ")[0] == "kgcoop" and "60.5 ± 0.7  +1.5 (-4.9 to 7.9)" in line
    for width, has_controls in ((200, True), (100, False)):
        console = Console(file=StringIO(), width=width, force_terminal=True)
        print_leaderboard(boards, console)
        shown = console.file.getvalue()  # type: ignore[attr-defined]
        assert "+1.5 (-4.9 to 7.9)" in shown
        # Twice among the rows, and here again.
        assert shown.count("60.5 ± 0.7") == 2 + has_controls


def test_the_papers_setting_as_a_point_of_the_space_is_a_trial(rows: list[Row], make_row) -> None:
    """`search.baselines: [controls]` trains its control as that of any other trial."""
    paper = make_row("6", [90, 90], [70, 72], baseline="paper", omega=10.0)
    params = {**paper.params, "prompt": "kgcoop", "beta": 1.0}
    control = make_row("control-of-6", [1, 1], [60, 61], baseline="control", omega=0.0)
    (board,) = boards_of([*rows, replace(paper, params=params, config=params), control])
    pun = next(row for row in board.kinds if row.kind == "kgcoop").tried["PUN"]
    assert pun.best.number == "6" and pun.control is not None and pun.control.number == "control-of-6"
