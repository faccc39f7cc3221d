"""Every method on every task: which rows there are, and what they say of their choice."""

from __future__ import annotations

from nemesis_sweep.report.page.tables.results import PIECE
from nemesis_sweep.report.statistics import Gain, Score
from tests.report.page.materials import material_of, table_of


def methods(table) -> list[str]:
    return [line.cells[0] for line in table.lines]


def test_methods_stand_in_the_order_of_tables(rows) -> None:
    table = table_of(PIECE, material_of(made=rows))
    assert methods(table) == ["zero-shot", "plain CoOp", "paper's setting", "best found"]
    assert {line.group for line in table.lines} == {"clipart 16-shot"}


def test_a_row_says_what_it_scored_and_what_chose_it(rows) -> None:
    best = table_of(PIECE, material_of(made=rows)).lines[-1]
    assert best.cells[1:3] == [Score(65.0, 1.0, 3), Score(62.0, 3**0.5, 3)]
    # Over CoOp 2, 3, 4: mean 3, deviation 1, margin 4.303 / sqrt(3).
    gain = best.cells[3]
    assert isinstance(gain, Gain)
    assert (gain.mean, round(gain.low, 2), gain.n) == (3.0, 0.52, 3)
    assert best.cells[4:] == [3, "val/accuracy", "omega=3.16 n_ctx=8"]


def test_losses_and_kinds_have_a_row_each_where_several_were_tried(rows, make_row) -> None:
    pan = make_row("4", [50.0, 51.0, 52.0], [50.0, 50.0, 50.0])
    pun = make_row("5", [49.0] * 3, [51.0] * 3, config={"prompt": "plot", "beta": 1.0, "omega": 1.0})
    told = methods(table_of(PIECE, material_of(made=[*rows, pan, pun])))
    assert told[3:] == ["best PUN", "best PAN", "best coop", "best plot", "best found"]


def test_every_method_carries_its_sweep_where_there_are_several(rows) -> None:
    told = methods(table_of(PIECE, material_of(one=rows, two=rows[:3])))
    assert told == [
        "zero-shot (one)", "plain CoOp (one)", "paper's setting (one)", "best found (one)",
        "zero-shot (two)", "plain CoOp (two)", "paper's setting (two)", "best found (two)",
    ]  # fmt: skip


def test_what_sets_its_strengths_on_validation_says_so(rows, make_row) -> None:
    probe = make_row("linear_probe", [70.0] * 3, [70.0] * 3, baseline="linear_probe")
    table = table_of(PIECE, material_of(made=[*rows, probe]))
    told = {line.cells[0]: line.cells[5] for line in table.lines}
    assert told == {
        "zero-shot": "-",
        "linear probe": "val/accuracy",
        "plain CoOp": "-",
        "paper's setting": "-",
        "best found": "val/accuracy",
    }
