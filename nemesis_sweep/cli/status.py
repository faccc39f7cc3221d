"""`nemesis-sweep status`: how far a sweep is, from another terminal or afterwards."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nemesis_sweep.cli.options import of_a_home
from nemesis_sweep.cli.system import INTERRUPTED
from nemesis_sweep.cli.ui import newest_home
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.home.usual_place import SWEEPS

if TYPE_CHECKING:
    from nemesis_sweep.report.leaderboard import TaskBoard
    from nemesis_sweep.sweep.home.folder import Home
    from nemesis_sweep.sweep.row import Row
    from nemesis_sweep.sweep.status import SweepStatus

EVERY = 5
CLEAR = "\x1b[H\x1b[2J"


def _seconds(ctx: click.Context, param: click.Parameter, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.1 <= seconds <= 86_400:
        allowed = "from 0.1 to 86400; HOME stands before --watch"
        raise UserError(Problem("not a number of seconds", "--watch", found=repr(text), allowed=allowed))
    return seconds


@click.command("status")
@of_a_home
@click.option("--table", is_flag=True, help="The leaderboards too, of the trials that are complete.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@click.option(
    "--watch",
    is_flag=False,
    flag_value=str(EVERY),
    metavar="[SECONDS]",
    callback=_seconds,
    help=f"Show it anew every so many seconds until the sweep has ended [default: {EVERY}].",
)
def command(home: Path | None, table: bool, as_json: bool, watch: float | None) -> None:
    """Show how far the sweep in HOME is (default: the newest below ./sweeps), and what it found so far.

    Everything is read from the home. A sweep that runs is not disturbed.
    """
    from nemesis_sweep.sweep.home.folder import home_at

    if watch is not None and as_json:
        raise click.UsageError("--watch shows tables anew, --json prints one object: one of them")
    place = home_at(home or newest_home(SWEEPS))
    if as_json:
        status, boards = _read(place, table)
        click.echo(json.dumps(status.as_dict() | (_values(boards) if table else {}), indent=2))
        return
    try:
        while _shown(place, table, anew=watch is not None) and watch is not None:
            time.sleep(watch)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _read(place: Home, table: bool) -> tuple[SweepStatus, list[TaskBoard]]:
    """How far it is, and with ``table`` its leaderboards."""
    from nemesis_sweep.sweep.recorded import complete_rows, recorded_studies, recorded_sweep
    from nemesis_sweep.sweep.status import status_of

    sweep = recorded_sweep(place)
    studies = recorded_studies(sweep, place)
    status = status_of(sweep, studies, place)
    if not table:
        return status, []
    from nemesis_sweep.report.leaderboard import leaderboard
    from nemesis_sweep.sweep.best import mark_best

    rows: Iterable[Row] = complete_rows(studies, place)
    if status.simulated:
        from nemesis_sweep.report.simulated import with_simulated

        rows = with_simulated(place.path, rows)
    return status, leaderboard(mark_best(rows, sweep.search.objective), sweep.search.objective)


def _shown(place: Home, table: bool, anew: bool) -> bool:
    """Print how far it is, with ``anew`` in place of what stood on a terminal; whether somebody runs it."""
    from rich.console import Console

    from nemesis_sweep.report.status_table import status_table
    from nemesis_sweep.report.table import print_leaderboard

    status, boards = _read(place, table)
    console = Console()
    # In one piece: a terminal that is cleared first and filled line by line flickers.
    with console.capture() as captured:
        console.print(status_table(status))
        if table:
            marks = ("SIMULATED " if status.simulated else "", "" if status.is_done else "so far: ")
            print_leaderboard(boards, console, "".join(marks))
    click.echo((CLEAR if anew and console.is_terminal else "") + captured.get(), nl=False)
    return status.driver is not None


def _values(boards: list[TaskBoard]) -> dict[str, Any]:
    from nemesis_sweep.report.plain import board_values
    from nemesis_sweep.report.verdict import sweep_verdict

    return {"leaderboard": [board_values(board) for board in boards], "verdict": sweep_verdict(boards)}
