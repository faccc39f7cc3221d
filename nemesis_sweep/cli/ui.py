"""`nemesis-sweep ui`: the MLflow pages of a sweep, on this machine only unless asked otherwise."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from nemesis_sweep.cli.options import of_a_home
from nemesis_sweep.files.current_folder import from_here
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.printable import printable
from nemesis_sweep.sweep.home.usual_place import SWEEPS

if TYPE_CHECKING:
    from nemesis_sweep.tracking.pages import Pages


@click.command("ui")
@of_a_home
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535), help="Port.")
def command(home: Path | None, host: str, port: int) -> None:
    """Serve the MLflow pages of the sweep in HOME (default: the newest below ./sweeps)."""
    from nemesis_sweep.sweep.home.folder import home_at
    from nemesis_sweep.tracking.server import LOOPBACK, UiServer

    if not host.strip():
        allowed = "an address of this machine; 0.0.0.0 for all of them"
        raise UserError(Problem("no address", "--host", found=repr(host), allowed=allowed))
    home = home_at(home or newest_home(SWEEPS)).path
    file, place, pages = _where(home)
    if file is None:
        click.echo(f"This sweep is recorded {place}")
        return
    if host not in LOOPBACK:
        click.echo(f"Listening on {host}: whoever reaches this port can read and change the records.")
    click.echo(f"Starting MLflow for {printable(home)} ...")
    try:
        with _ended_like_ctrl_c(), UiServer(file, host, port) as server:
            click.echo(f"MLflow is at {server.url}{pages.first}")
            for title, page in pages.others:
                click.echo(f"  {title}: {server.url}{page}")
            click.echo("Press Ctrl-C to stop.")
            raise UserError(f"the MLflow server ended by itself (exit code {server.wait()})")
    except KeyboardInterrupt:
        click.echo("Stopped.")


def newest_home(sweeps: Path, key: str = "HOME") -> Path:
    """Return the sweep recorded last below a folder; raises UserError if there is none.

    key: how a person names another one.
    """
    from nemesis_sweep.sweep.home.simulated import is_simulated

    from_here(sweeps)
    marks = [*sweeps.glob("*/mlflow.db"), *sweeps.glob("*/tracking.json")]
    if not marks:
        told = "name the folder of a sweep; there is none below ./sweeps"
        # Simulations are looked at only by name: a sweep that trains is never taken for one.
        if simulations := sorted(home.name for home in sweeps.glob("*") if is_simulated(home)):
            told += f" but simulations ({printable(', '.join(simulations))})"
        raise UserError(Problem(told, key=key))
    return max(marks, key=lambda mark: mark.stat().st_mtime).parent


def _where(home: Path) -> tuple[Path | None, str, Pages]:
    """Return the SQLite file with the records of a sweep, by its absolute home, and the pages to open there.

    None, and where to look, for a sweep recorded elsewhere. Raises UserError if nothing is recorded.
    """
    from nemesis_sweep.sweep.home.no_sweep import home_meant
    from nemesis_sweep.sweep.home.simulated import is_simulated
    from nemesis_sweep.tracking.location import OWN_URI, database, is_server, sqlite_file
    from nemesis_sweep.tracking.moved import follow
    from nemesis_sweep.tracking.pages import pages_of
    from nemesis_sweep.tracking.store import recorded
    from nemesis_sweep.tracking.versions import settle_version

    record = recorded(home) or {}
    uri = record.get("uri", OWN_URI)
    pages = pages_of(home)
    if is_server(uri):
        if uri.startswith("http"):
            others = "".join(f"\n  {title}: {uri}{page}" for title, page in pages.others)
            return None, f"on a server: open {uri}{pages.first}{others}", pages
        return None, f"in {uri}, experiment {record['experiment']!r}", pages
    if not uri.startswith("sqlite:"):
        shown = f"mlflow server --host 127.0.0.1 --backend-store-uri {shlex.quote(uri)}"
        return None, f"in a database: {shown} shows it, with the address's password", pages
    file = database(home) if uri == OWN_URI else sqlite_file(uri)
    if not file.is_file():
        told = "no sweep was recorded in this folder"
        if is_simulated(home):
            told = "a simulation is not recorded in MLflow; `nemesis-sweep status HOME --table` shows it"
        raise UserError(Problem(told, key="HOME", found=repr(str(home)), nearest=home_meant(home)))
    settle_version(file, uri == OWN_URI, lambda line: click.echo(line, err=True))
    if uri == OWN_URI:
        follow(home)
    return file, "", pages


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Make a closed terminal or `kill` end the server too, the same way as Ctrl-C; `nohup` is respected."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = [
        number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN
    ]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
