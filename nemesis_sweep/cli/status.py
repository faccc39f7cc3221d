"""`nemesis-sweep status`: how far a sweep is, from another terminal or afterwards."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nemesis_sweep.cli.options import of_a_home
from nemesis_sweep.cli.ui import SWEEPS, newest_home

if TYPE_CHECKING:
    from nemesis_sweep.report.leaderboard import TaskBoard
    from nemesis_sweep.sweep.row import Row


@click.command("status")
@of_a_home
@click.option("--table", is_flag=True, help="The leaderboards too, of the trials that are complete.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
def command(home: Path | None, table: bool, as_json: bool) -> None:
    """Show how far the sweep in HOME is (default: the newest below ./sweeps), and what it found so far.

    Everything is read from the home. A sweep that runs is not disturbed.
    """
    from nemesis_sweep.sweep.home.folder import home_at
    from nemesis_sweep.sweep.recorded import complete_rows, recorded_studies, recorded_sweep
    from nemesis_sweep.sweep.status import status_of

    place = home_at(home or newest_home(SWEEPS))
    sweep = recorded_sweep(place)
    studies = recorded_studies(sweep, place)
    status = status_of(sweep, studies, place)
    boards: list[TaskBoard] = []
    if table:
        from nemesis_sweep.report.leaderboard import leaderboard
        from nemesis_sweep.sweep.best import mark_best

        rows: Iterable[Row] = complete_rows(studies, place)
        if status.simulated:
            from nemesis_sweep.report.simulated import with_simulated

            rows = with_simulated(place.path, rows)
        boards = leaderboard(mark_best(rows, sweep.search.objective), sweep.search.objective)
    if as_json:
        click.echo(json.dumps(status.as_dict() | (_values(boards) if table else {}), indent=2))
        return

    from rich.console import Console

    from nemesis_sweep.report.status_table import status_table

    console = Console()
    console.print(status_table(status))
    if table:
        from nemesis_sweep.report.table import print_leaderboard

        marks = ("SIMULATED " if status.simulated else "", "" if status.is_done else "so far: ")
        print_leaderboard(boards, console, "".join(marks))


def _values(boards: "list[TaskBoard]") -> dict[str, Any]:
    from nemesis_sweep.report.plain import board_values
    from nemesis_sweep.report.verdict import sweep_verdict

    return {"leaderboard": [board_values(board) for board in boards], "verdict": sweep_verdict(boards)}
