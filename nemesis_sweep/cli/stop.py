"""`nemesis-sweep stop`: end a running sweep the way Ctrl-C does."""

import os
import signal
import time
from pathlib import Path

import click

from nemesis_sweep.cli.options import of_a_home
from nemesis_sweep.cli.ui import newest_home
from nemesis_sweep.sweep.home.usual_place import SWEEPS

BETWEEN = 1.0
"""Seconds between two signals, so that they are taken for two."""


@click.command("stop")
@of_a_home
@click.option("--wait", default=300.0, show_default=True, help="Seconds to wait for it to end.")
@click.option("--now", is_flag=True, help="Do not let running trials report their next result first.")
def command(home: Path | None, wait: float, now: bool) -> None:
    """Stop the sweep in HOME (default: the newest below ./sweeps). The same `run` continues it later."""
    from nemesis_sweep.messages.errors import Problem, UserError
    from nemesis_sweep.messages.printable import printable
    from nemesis_sweep.sweep.home.driver import driver
    from nemesis_sweep.sweep.home.folder import home_at
    from nemesis_sweep.sweep.home.no_sweep import no_sweep

    place = home_at(home or newest_home(SWEEPS))
    at_work = driver(place)
    if at_work is None and not place.sweep_file.is_file():
        raise no_sweep(place.path)
    if at_work is None:
        click.echo(f"Nothing runs in {printable(place.path)}.")
        return
    pid = at_work.process
    if not at_work.is_here:
        where = f"process {pid} on {at_work.host}"
        allowed = "this command there, or `ray job stop` for a job"
        raise UserError(Problem("the sweep runs on another machine", "HOME", found=where, allowed=allowed))
    _ask(pid)
    if now:
        time.sleep(BETWEEN)
        _ask(pid)
    deadline = time.monotonic() + wait
    while driver(place) == at_work:
        if time.monotonic() > deadline:
            raise UserError(
                f"process {pid} was told to stop {wait:.0f} s ago and is still there; "
                "`--now` does not let its trials tell their next result"
            )
        time.sleep(0.1)
    click.echo(f"Stopped process {pid}. What was reported is kept; the same run command continues it.")


def _ask(pid: int) -> None:
    """Send SIGTERM; a process that has ended in the meantime needs none."""
    from nemesis_sweep.messages.errors import Problem, UserError

    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        message = f"process {pid} is another user's"
        raise UserError(Problem(message, key="HOME", allowed="this command by whoever started it")) from error
