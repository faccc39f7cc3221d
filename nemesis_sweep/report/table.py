"""Leaderboards on the screen: coloured tables in a terminal, aligned plain text anywhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nemesis_sweep.messages.aligned import aligned
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.cells import gain_cells, metric_text, params_text, score_text
from nemesis_sweep.report.confirmed_table import about, confirmed_table
from nemesis_sweep.report.entry import Entry, is_test_set
from nemesis_sweep.report.kinds_table import ABOUT, kinds_table
from nemesis_sweep.report.leaderboard import BEST, BEST_OF, FRONT, TaskBoard
from nemesis_sweep.report.selection import range_text, selected_text
from nemesis_sweep.report.verdict import sweep_verdict, task_verdict
from nemesis_sweep.spec.baselines import BASELINES, trains_prompt
from nemesis_sweep.spec.checks.idle_dimensions import matters
from nemesis_sweep.spec.expression import metrics_in

ROOM = 30
"""Columns of a terminal that the parameters of a trial should have beside the numbers."""
FRONT_ROWS = 15
"""Points of a Pareto front that a table shows; the file of results has them all."""
HARMONIC = "test/H"


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
        _print_rows(board, console)
        console.print(Text(caption(board), "dim"))
        _print_kinds(board, console)
        _print_confirmed(board, console)
        console.print(Text(task_verdict(board)))
        console.print()
    console.print(Text(verdict, "bold"))


def _print_rows(board: TaskBoard, console: Console) -> None:
    """Print a table with a column for everything, or what has no room of each row in a line below it."""
    names, entries = header(board), shown_entries(board)
    rows = [cells(board, entry) for entry in entries]
    widths = [max(map(len, column)) + 2 for column in zip(names, *rows, strict=True)]
    detailed = sum(widths[:-1]) + ROOM <= console.width
    kept = range(len(names)) if detailed else (0, 1, 2, names.index("gain"))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place in kept:
        number = 0 < place < len(names) - 1
        table.add_column(names[place], justify="right" if number else "left", no_wrap=place < len(names) - 1)
    for entry, row in zip(entries, rows, strict=True):
        table.add_row(*(row[place] for place in kept), style="bold green" if entry.label == BEST else "")
    console.print(table)
    for row in () if detailed else rows:
        left = [place for place in range(3, len(names) - 1) if place not in kept and row[place] != "-"]
        told = [f"{names[place]} {row[place]}" for place in left] + [row[-1]]
        if any(told):
            console.print(Text(f"{row[0]}: {', '.join(filter(None, told))}"), highlight=False)


def _print_kinds(board: TaskBoard, console: Console) -> None:
    """Print the kinds of prompts side by side, without their controls where there is no room."""
    rows = kinds_table(board.kinds)
    if not rows:
        return
    if _width(rows) > console.width:
        rows = kinds_table(board.kinds, narrow=True)
    _print_beside(rows, ABOUT, console)


def _print_confirmed(board: TaskBoard, console: Console) -> None:
    """Print what the best came to on fresh seeds, without the selected scores where there is no room."""
    rows = confirmed_table(board.confirmed)
    if rows and _width(rows) > console.width:
        rows = confirmed_table(board.confirmed, narrow=True)
    if rows:
        _print_beside(rows, about(board.confirmed), console)


def _print_beside(rows: Sequence[Sequence[str]], told: str, console: Console) -> None:
    """Print a table below a task's own, and what its numbers are."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place, name in enumerate(rows[0]):
        table.add_column(name, justify="right" if place else "left", no_wrap=not place)
    for row in rows[1:]:
        table.add_row(*row)
    console.print()
    console.print(table)
    console.print(Text(told, "dim"))


def _width(rows: Sequence[Sequence[str]]) -> int:
    return sum(max(map(len, column)) + 2 for column in zip(*rows, strict=True))


def plain_leaderboard(boards: Sequence[TaskBoard]) -> str:
    """Return the same as text without a control character, columns aligned."""
    return "\n\n".join([*map(_plain_board, boards), sweep_verdict(boards)])


def _plain_board(board: TaskBoard) -> str:
    rows = [header(board), *(cells(board, entry) for entry in shown_entries(board))]
    lines = aligned(rows, text=(0, len(rows[0]) - 1))
    kinds = kinds_table(board.kinds)
    beside = [*aligned(kinds), ABOUT] if kinds else []
    if again := confirmed_table(board.confirmed):
        beside += [*aligned(again), about(board.confirmed)]
    return "\n".join([board.study, *lines, caption(board), *beside, task_verdict(board)])


def header(board: TaskBoard) -> tuple[str, ...]:
    """Return the names of the columns; further test sets and objectives have columns of their own."""
    return ("", "val", "test", *board.more, "gain", "95 % CI", "parameters")


def shown_entries(board: TaskBoard) -> list[Entry]:
    """Return the rows of a table: baselines, the best, and of several objectives the Pareto front."""
    return [*board.entries, *board.front[: FRONT_ROWS - 1]]


def caption(board: TaskBoard) -> str:
    """Return what the numbers are: the split of selection, how many trials and replicates, unit, gain."""
    selected = f"Best selected on {board.criterion} among {counted(board.complete, 'complete trial')}"
    decided = [*board.objectives, *(name for text in board.broken for name in metrics_in(text))]
    on_test = list(dict.fromkeys(name for name in decided if name.startswith("test/")))
    if on_test:
        told = ", ".join(on_test)
        selected = (
            f"BEST SELECTED ON TEST ({told}), which flatters it, among {counted(board.complete, 'trial')}"
        )
    selected += _constraints_text(board) + _front_text(board)
    over = f"mean ± standard deviation over {board.replicates} replicates"
    if board.best is None:
        over = "mean ± standard deviation over the replicates"
    elif board.replicates == 1:
        over = "one replicate"
    told = f"{selected}. Accuracies in percent, {over}; gain: on test, over plain CoOp"
    stopped = f"The search {board.stopped}" if board.stopped else ""
    return ". ".join(filter(None, (told, stopped, _harmonic_text(board), range_text(board.selected))))


def _harmonic_text(board: TaskBoard) -> str:
    if HARMONIC not in board.more:
        return ""
    told = "harmonic mean of the means of base and new, as papers report it; test: mean of each seed's"
    return f"{HARMONIC}: {told}"


def _constraints_text(board: TaskBoard) -> str:
    if not board.broken:
        return ""
    counts = {text: counted(n, "trial") for text, n in board.broken.items()}
    told = ", ".join(f"{text} ({count})" for text, count in counts.items())
    return f" that keep the constraints (* breaks one and cannot be the best: {told})"


def _front_text(board: TaskBoard) -> str:
    if len(board.objectives) == 1 or board.best is None:
        return ""
    count = len(board.front) + 1
    told = f"; {count} of them on the Pareto front of {', '.join(board.objectives)}"
    return told + (f", of which {FRONT_ROWS} are shown" if count > FRONT_ROWS else "")


def cells(board: TaskBoard, entry: Entry) -> tuple[str, ...]:
    """Return one row: name, val, test, other objectives, gain on test over CoOp, its interval, parameters."""
    name = entry.label + (" *" if entry.broken else "")
    if name in (BEST, FRONT) or name.startswith(BEST_OF):
        short = BASELINES[entry.baseline].short if entry.baseline in BASELINES else ""
        name = f"{name} ({short or f'trial {entry.number}'})"
    more = [
        (score_text if is_test_set(metric) else metric_text)(entry.more.get(metric)) for metric in board.more
    ]
    scores = (score_text(entry.val), score_text(entry.test), *more)
    return (name, *scores, *gain_cells(entry.gain), _params_of(board, entry))


def _params_of(board: TaskBoard, entry: Entry) -> str:
    if not trains_prompt(entry.baseline):
        return ""
    known = {**entry.config, **entry.params}
    # PAN's settings say nothing of a trial of PUN, nor those of the penalty of one without.
    shown = {
        name: known[name]
        for name in board.searched
        if known.get(name) is not None and matters(name, {"omega": float(entry.is_nemesis), **known})
    }
    if entry.selected is None:
        return params_text(shown)
    return f"{params_text(shown)} selected={selected_text(entry.selected).replace(' ', '')}"


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
