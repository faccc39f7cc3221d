"""A sweep as a Ray job: the same ``run``, on a cluster, with the sweep file sent along."""

from __future__ import annotations

import asyncio
import secrets
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import nemesis_sweep
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.dump import sweep_to_yaml
from nemesis_sweep.spec.outside.beside import KEPT
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.cluster.job_server import JobServer

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

HOME = "nemesis.home"
"""Key of a job's metadata: the home of its sweep on the cluster."""

LARGEST = 100 * 1024 * 1024
"""What a Ray dashboard takes in one upload, bytes."""

STOP_SECONDS = 60
"""How long a job that is told to stop may take to end in good order."""

STOPPED = 130
"""Exit code of a sweep that was told to stop, here as in ``run``."""


@dataclass(frozen=True)
class Job:
    """A sweep that was sent: the id of its Ray job, where to, and its home there."""

    id: str
    server: JobServer
    home: str

    def commands(self) -> dict[str, str]:
        """The commands that look at the job or end it, by what they do."""
        asked = shlex.join(["--address", self.server.address, self.id])
        # Ray's own command shows its token only when it is told to.
        ray = "RAY_AUTH_MODE=token ray" if self.server.headers else "ray"
        home = self.home if self.home.startswith("~/") else shlex.quote(self.home)
        return {
            "follow it": f"{ray} job logs --follow {asked}",
            "its state": f"{ray} job status {asked}",
            "its trials": f"nemesis-sweep status {home}   (on a node of the cluster)",
            "stop it": f"{ray} job stop {asked}",
        }


def default_home(sweep: Sweep) -> str:
    """A sweep's folder on a cluster unless the user names one; ``~`` is the home of the cluster's user."""
    return f"~/nemesis-sweeps/{sweep.name}"


def check_home(home: str) -> None:
    """Raise ``UserError`` for a home that would lie in the job's own temporary folder."""
    if not home.startswith("~/") and not PurePosixPath(home).is_absolute():
        allowed = "an absolute path on a file system that all nodes share, such as /shared/sweeps/NAME"
        raise UserError(
            Problem("not a folder that a cluster can share", "--home", found=home, allowed=allowed)
        )


def entrypoint(sweep: Sweep, home: str, flags: Sequence[str] = ()) -> str:
    """The command of the job. ``exec`` lets Ray's stop signal reach the sweep without a shell between."""
    run = ["python", "-m", "nemesis_sweep", "run", _file_name(sweep), "--home", home, *flags]
    return f"exec {shlex.join(run)}"


def pack(sweep: Sweep, folder: Path, ship_code: bool) -> None:
    """Put the resolved sweep file into ``folder``, its modules below, and this package beside it.

    Raises ``UserError`` for more than Ray takes: it would fail after the upload.
    """
    (folder / _file_name(sweep)).write_text(sweep_to_yaml(sweep), encoding="utf-8")
    for name, content in sweep.modules.files.items():
        file = folder / KEPT / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    if ship_code:
        package = Path(nemesis_sweep.__file__).parent
        shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > LARGEST:
        raise UserError(
            Problem(
                "more to send than a Ray dashboard takes",
                "--ship-code",
                found=f"{size / 2**20:.0f} MiB",
                allowed=f"at most {LARGEST / 2**20:.0f} MiB; install the package on the cluster instead",
            )
        )


def submit(
    client: JobSubmissionClient,
    sweep: Sweep,
    home: str,
    flags: Sequence[str] = (),
    ship_code: bool = False,
    runtime_env: Values | None = None,
) -> str:
    """Send the sweep as a job and return its id.

    flags: more of what ``run`` takes, such as ``--extend``.
    runtime_env: more of Ray's runtime environment (``env_vars``, ``pip``); the working directory is ours.
    Raises ``UserError`` when a job is at work in this home already, or when there is too much to send.
    """
    _refuse_a_second_job(client, home)
    with tempfile.TemporaryDirectory(prefix="nemesis-sweep-") as temporary:
        pack(sweep, Path(temporary), ship_code)
        return client.submit_job(
            entrypoint=entrypoint(sweep, home, flags),
            submission_id=f"nemesis-{sweep.name}-{secrets.token_hex(4)}",
            runtime_env=_environment(runtime_env or {}, temporary),
            metadata={HOME: home, "name": sweep.name},
        )


def follow(client: JobSubmissionClient, job: str, write: Callable[[str], None]) -> JobDetails:
    """Write the job's log as it grows, each part once, and return how the job ended.

    A log stream that breaks off is taken up again where it was.
    """
    written = 0
    while True:
        written = asyncio.run(_tail(client, job, write, written))
        details = client.get_job_info(job)
        if details.status.is_terminal():
            return details
        time.sleep(1)


def exit_code(details: JobDetails) -> int:
    """What a job's end means to a shell: 0, the sweep's own exit code, or 1 for a job that never began."""
    from ray.job_submission import JobStatus

    if details.status == JobStatus.SUCCEEDED:
        return 0
    if details.status == JobStatus.STOPPED:
        return STOPPED
    code = details.driver_exit_code
    return code if code is not None and 0 < code < 256 else 1


async def _tail(client: JobSubmissionClient, job: str, write: Callable[[str], None], written: int) -> int:
    """Write the log from character ``written`` on until the stream ends; returns how far it came."""
    import aiohttp

    position = 0
    try:
        async for text in client.tail_job_logs(job):
            new = text[max(0, written - position) :]
            position += len(text)
            if new:
                write(new)
    except (RuntimeError, aiohttp.ClientError):
        # The connection broke: whether the job lives is asked next.
        pass
    return max(written, position)


def _refuse_a_second_job(client: JobSubmissionClient, home: str) -> None:
    for job in client.list_jobs():
        if (job.metadata or {}).get(HOME) == home and not job.status.is_terminal():
            raise UserError(
                Problem(
                    "a job is at work in this home already",
                    "--home",
                    found=f"{home} (job {job.submission_id})",
                    allowed="one job at a time; wait for it, `ray job stop` it, or give another --home",
                )
            )


def _environment(more: Values, folder: str) -> dict[str, Any]:
    """Ray's runtime environment of the job: what was sent, and what the user adds."""
    # A node unpacks the folder when it is first needed there. All at once, they would pull it from under the
    # feet of the driver where nodes share a disk.
    config = {"eager_install": False, **more.get("config", {})}
    # Ray kills a job that is told to stop after 3 seconds, too soon for trials to tell what they have.
    variables = {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS), **more.get("env_vars", {})}
    return {**more, "working_dir": folder, "config": config, "env_vars": variables}


def _file_name(sweep: Sweep) -> str:
    return f"{sweep.name}.yaml"
