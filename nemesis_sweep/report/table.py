"""Leaderboards on the screen: coloured tables in a terminal, aligned plain text anywhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nemesis_sweep.report.leaderboard import BEST, Entry, TaskBoard
from nemesis_sweep.report.statistics import Gain, Score, rounded
from nemesis_sweep.report.verdict import sweep_verdict, task_verdict
from nemesis_sweep.spec.search import PROMPTLESS

HEADER = ("", "val", "test", "gain", "95 % CI", "parameters")
NUMERIC = (1, 2, 3, 4)
SHORT = {"coop": "CoOp", "paper": "paper"}
# Without a penalty these change nothing.
PENALTY_ONLY = {"beta", "norm", "anneal", "corruption", "n_positions", "selection", "reduction"}


def print_leaderboard(boards: Sequence[TaskBoard], console: Console, mark: str = "") -> None:
    """Print every task's table and verdict, then the sweep's verdict; `mark` stands before each."""
    verdict = mark + sweep_verdict(boards)
    boards = [replace(board, study=mark + board.study) for board in boards]
    if not console.is_terminal:
        encoding = console.encoding or "utf-8"
        text = "\n\n".join([*map(_plain_board, boards), verdict])
        # A pipe in the C locale may not know the plus-minus sign.
        if not _fits(text, encoding):
            text = text.replace("±", "+-").encode(encoding, "replace").decode(encoding)
        console.print(text, markup=False, highlight=False, soft_wrap=True)
        return
    for board in boards:
        console.print(Text(board.study, "bold"))
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for place, name in enumerate(HEADER):
            table.add_column(name, justify="right" if place in NUMERIC else "left", no_wrap=place in range(5))
        for entry in board.entries:
            table.add_row(*cells(board, entry), style="bold green" if entry.label == BEST else "")
        console.print(table)
        console.print(Text(caption(board), "dim"))
        console.print(Text(task_verdict(board)))
        console.print()
    console.print(Text(verdict, "bold"))


def plain_leaderboard(boards: Sequence[TaskBoard]) -> str:
    """Return the same as text without a control character, columns aligned."""
    return "\n\n".join([*map(_plain_board, boards), sweep_verdict(boards)])


def _plain_board(board: TaskBoard) -> str:
    rows = [HEADER, *(cells(board, entry) for entry in board.entries)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADER))]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    return "\n".join([board.study, *lines, caption(board), task_verdict(board)])


def caption(board: TaskBoard) -> str:
    """Return what the numbers are: the split of selection, how many trials and replicates, unit, gain."""
    split = board.objective.partition("/")[0]
    selected = f"Best selected on {board.criterion} among {board.complete} complete trials"
    if split == "test":
        selected = (
            f"BEST SELECTED ON TEST ({board.criterion}), which flatters it, among {board.complete} trials"
        )
    over = f"mean ± standard deviation over {board.replicates} replicates"
    if board.replicates == 1:
        over = "one replicate"
    return f"{selected}. Accuracies in percent, {over}; gain: on test, over plain CoOp"


def cells(board: TaskBoard, entry: Entry) -> tuple[str, str, str, str, str, str]:
    """Return one row: name, val, test, gain on test over CoOp, its interval, parameters."""
    name = entry.label
    if name == BEST:
        name = f"{BEST} ({SHORT.get(entry.baseline) or f'trial {entry.number}'})"
    gain, interval = _gain_cells(entry.gain)
    return name, score_text(entry.val), score_text(entry.test), gain, interval, _params_of(board, entry)


def score_text(score: Score | None) -> str:
    """Return `61.2 ± 1.3`, without the deviation for one replicate, `-` for no score."""
    if score is None:
        return "-"
    return f"{score.mean:.1f}" if score.std is None else f"{score.mean:.1f} ± {score.std:.1f}"


def params_text(params: Mapping[str, Any]) -> str:
    """Return `omega=3.16 n_ctx=8`, numbers with three significant digits."""
    return " ".join(f"{name}={_value(value)}" for name, value in params.items())


def _params_of(board: TaskBoard, entry: Entry) -> str:
    if entry.baseline in PROMPTLESS:
        return ""
    known = {**entry.config, **entry.params}
    shown = {name: known[name] for name in board.searched if known.get(name) is not None}
    if not entry.is_nemesis:
        shown = {name: value for name, value in shown.items() if name not in PENALTY_ONLY}
    return params_text(shown)


def _gain_cells(gain: Gain | None) -> tuple[str, str]:
    if gain is None:
        return "-", "-"
    interval = (
        "-"
        if gain.low is None or gain.high is None
        else f"{rounded(gain.low):.1f} to {rounded(gain.high):.1f}"
    )
    return f"{rounded(gain.mean):+.1f}", interval


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        cell.rjust(width) if place in NUMERIC else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
