"""`nemesis-sweep status`: how far a sweep is, from another terminal or afterwards."""

import json
from pathlib import Path

import click

from nemesis_sweep.cli.options import of_a_home
from nemesis_sweep.cli.ui import SWEEPS, newest_home


@click.command("status")
@of_a_home
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def command(home: Path | None, as_json: bool) -> None:
    """Show how far the sweep in HOME is (default: the newest below ./sweeps)."""
    from nemesis_sweep.sweep.home.folder import home_at
    from nemesis_sweep.sweep.status import sweep_status

    status = sweep_status(home_at(home or newest_home(SWEEPS)))
    if as_json:
        click.echo(json.dumps(status.as_dict(), indent=2))
        return

    from rich.console import Console

    from nemesis_sweep.report.standing import standing

    console = Console()
    console.print(standing(status))
