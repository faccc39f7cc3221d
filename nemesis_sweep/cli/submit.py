"""`nemesis-sweep submit`: the same run as a job on a Ray cluster."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nemesis_sweep.cli.options import load, overrides, sweep_file, trials
from nemesis_sweep.cli.system import INTERRUPTED
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.loader import located

if TYPE_CHECKING:
    from nemesis_sweep.sweep.cluster.submission import Job


@click.command("submit")
@sweep_file
@click.option(
    "--address",
    metavar="URL",
    help="The cluster's dashboard, such as http://HEAD:8265 "
    "[default: $RAY_API_SERVER_ADDRESS or $RAY_ADDRESS].",
)
@click.option(
    "--home",
    metavar="DIR",
    help="Folder of this sweep on the cluster, on a file system that all nodes share "
    "[default: ~/nemesis-sweeps/NAME].",
)
@trials
@overrides
@click.option("--extend", is_flag=True, help="Go on with more trials, hours or tasks than before.")
@click.option("--fresh", is_flag=True, help="Start over; the former home is kept as HOME.1, HOME.2, ...")
@click.option("--retry-failed", is_flag=True, help="Also train failed trials again, under their numbers.")
@click.option("--follow", is_flag=True, help="Show the job's output until it ends, and end as it does.")
@click.option(
    "--ship-code", is_flag=True, help="Send this nemesis-sweep along; its requirements must be there."
)
@click.option(
    "--runtime-env-json",
    metavar="JSON",
    help='More of Ray\'s runtime environment, such as \'{"env_vars": {"HF_HUB_OFFLINE": "1"}}\'.',
)
def command(
    file: Path,
    address: str | None,
    home: str | None,
    trials: int | None,
    overrides: tuple[str, ...],
    extend: bool,
    fresh: bool,
    retry_failed: bool,
    follow: bool,
    ship_code: bool,
    runtime_env_json: str | None,
) -> None:
    """Run the sweep in FILE as a Ray job. Submit it again to continue it: nothing that is done is done twice.

    The file is checked here before anything is sent. With --follow, Ctrl-C leaves the job running.
    """
    sweep = load(file, trials, overrides)

    from nemesis_sweep.sweep.cluster.job_server import find_job_server, talking_to
    from nemesis_sweep.sweep.cluster.submission import Job, check_home, default_home, exit_code, submit
    from nemesis_sweep.sweep.cluster.submission import follow as follow_job
    from nemesis_sweep.sweep.home.portable_paths import refuse_passwords, refuse_relative_paths

    try:
        refuse_relative_paths(sweep)
        refuse_passwords(sweep)
    except UserError as error:
        raise located(error, file, overrides) from error
    home = home or default_home(sweep)
    check_home(home)
    runtime_env = _runtime_env(runtime_env_json)
    flags = ["--extend"] * extend + ["--fresh"] * fresh + ["--retry-failed"] * retry_failed
    server = find_job_server(address, os.environ)
    with talking_to(server) as client:
        job = Job(submit(client, sweep, home, flags, ship_code, runtime_env), server, home)
        click.echo(
            f"Submitted as job {job.id}; its home is {home}, which all nodes of the cluster must share."
        )
        _tell(job)
        if not follow:
            return
        try:
            details = follow_job(client, job.id, lambda text: click.echo(text, nl=False))
        except KeyboardInterrupt:
            click.echo(f"\nJob {job.id} runs on without you.", err=True)
            _tell(job, err=True)
            sys.exit(INTERRUPTED)
    click.echo(f"Job {job.id}: {details.status}.")
    if code := exit_code(details):
        if details.driver_exit_code is None:
            # It never ran, or was lost with its node: the log that was shown does not say why.
            click.echo(details.message, err=True)
        click.echo("What was reported is kept; submit the same file again to continue.", err=True)
        sys.exit(code)


def _tell(job: Job, err: bool = False) -> None:
    for what, line in job.commands().items():
        click.echo(f"  {what + ':':<12}{line}", err=err)


def _runtime_env(text: str | None) -> dict[str, Any]:
    """The runtime environment that was given. Raises ``UserError`` for one that Ray would not take."""
    key = "--runtime-env-json"
    try:
        given = json.loads(text or "{}")
    except ValueError as error:
        raise UserError(Problem(f"not JSON: {error}", key, found=repr(text))) from error
    if not isinstance(given, dict):
        raise UserError(Problem("not a JSON object", key, found=repr(text)))
    if "working_dir" in given:
        allowed = "anything else; the sweep file is sent as the working directory"
        raise UserError(Problem("the working directory is taken", f"{key}.working_dir", allowed=allowed))
    if given:
        from ray.runtime_env import RuntimeEnv

        try:
            RuntimeEnv(**given)
        except (TypeError, ValueError, OSError) as error:
            raise UserError(Problem(f"not a runtime environment: {error}", key, found=repr(text))) from error
    return given
