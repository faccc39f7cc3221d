"""`nemesis-sweep report`: a page, figures and tables of one sweep or several; `run` ends by writing one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from nemesis_sweep.cli.options import GivenPath, HomePath
from nemesis_sweep.cli.ui import newest_home
from nemesis_sweep.files.full_disk import full_disk
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.printable import printable
from nemesis_sweep.sweep.home.usual_place import SWEEPS


@click.command("report")
@click.argument("homes", nargs=-1, metavar="[HOME]...", type=HomePath())
@click.option(
    "--to", type=GivenPath(), help="Folder of the report [default: HOME/report, of several ./report]."
)
@click.option(
    "--next",
    "following",
    type=GivenPath(),
    metavar="FILE",
    help="Also write the sweep file of the next sweep: wider ranges where the best trials crowd.",
)
def command(homes: tuple[Path, ...], to: Path | None, following: Path | None) -> None:
    """Write a report on the sweep in HOME (default: the newest below ./sweeps), or on several side by side.

    A page for the browser, every figure as SVG and PNG, every table as CSV, Parquet, Markdown and LaTeX.
    Everything is read from the homes. A sweep that runs is not disturbed.
    """
    from nemesis_sweep.report.page.build import write_report

    found = homes or (newest_home(SWEEPS),)
    with told_without_room(to or found[0]):
        page = write_report(found, to, following, _say)
    click.echo(f"Report  {printable(str(page))}")
    if following is not None:
        click.echo(f"Next sweep  {printable(str(following))}")


def write_after_a_run(home: Path, quiet: bool = False) -> Path | None:
    """Write the report of a sweep that is over and print where it is, or why there is none; its page.

    Whatever goes wrong here does not count as a failure of the run, whose results are kept.
    """
    from nemesis_sweep.report.page.build import write_report

    try:
        with told_without_room(home):
            page = write_report([home], say=None if quiet else _say)
    except Exception as error:
        told = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        click.echo(f"The report was not written: {told}", err=True)
        return None
    click.echo(f"Report   {printable(str(page))}")
    return page


def _say(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def told_without_room(folder: Path) -> Iterator[None]:
    """Raise ``UserError`` where a disk is full or a report's folder cannot be written."""
    try:
        yield
    except OSError as error:
        full = full_disk(error)
        file = (full.file if full else "") or str(error.filename or folder)
        reason = full.reason if full else error.strerror or str(error)
        allowed = "room there, or another folder with --to; an earlier report is kept as it was"
        raise UserError(
            Problem(f"the report cannot be written: {reason}", key="--to", found=file, allowed=allowed)
        ) from error
