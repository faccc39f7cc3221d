"""`nemesis-sweep report`: a page, figures and tables of one sweep or several."""

from __future__ import annotations

from pathlib import Path

import click

from nemesis_sweep.cli.options import GivenPath
from nemesis_sweep.cli.ui import SWEEPS, newest_home
from nemesis_sweep.messages.printable import printable


@click.command("report")
@click.argument("homes", nargs=-1, metavar="[HOME]...", type=GivenPath())
@click.option(
    "--to", type=GivenPath(), help="Folder of the report [default: HOME/report, of several ./report]."
)
def command(homes: tuple[Path, ...], to: Path | None) -> None:
    """Write a report on the sweep in HOME (default: the newest below ./sweeps), or on several side by side.

    A page for the browser, every figure as SVG and PNG, every table as CSV, Parquet, Markdown and LaTeX.
    Everything is read from the homes. A sweep that runs is not disturbed.
    """
    from nemesis_sweep.report.page.build import write_report

    page = write_report(homes or (newest_home(SWEEPS),), to)
    click.echo(f"Report  {printable(str(page))}")
