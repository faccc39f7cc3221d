"""The home of a sweep: one folder that holds all of it, and one driver at a time."""

import fcntl
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from nemesis_sweep.files.current_folder import expanded, from_here
from nemesis_sweep.files.full_disk import naming
from nemesis_sweep.files.regular_file import open_regular
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed

LOCK_TRIES = 5
MARKS = ("driver.lock", "optuna.journal", "storage.json", "simulation.json")
"""What a folder has one of that is a sweep's home, be it one that was copied without its lock."""
PROBES = (".write-", ".room-")
"""How the names of files begin that a run writes for a moment; one that is killed may leave them."""
NEW_DISK = "lost+found"
"""What a disk holds that nobody has used yet."""
PACKAGES = ("nemesis-sweep", "torch", "open_clip_torch", "ray", "optuna", "mlflow", "pyarrow", "numpy")


@dataclass(frozen=True)
class Home:
    """Where everything of a sweep stands. All paths are absolute, for workers change their folder."""

    path: Path

    @property
    def sweep_file(self) -> Path:
        return self.path / "sweep.yaml"

    @property
    def journal(self) -> Path:
        return self.path / "optuna.journal"

    @property
    def lock(self) -> Path:
        return self.path / "driver.lock"

    @property
    def ray(self) -> Path:
        return self.path / "ray"

    def trial(self, study: str, number: str) -> Path:
        """The folder of one trial: checkpoint, prompt and result."""
        return self.path / "trials" / study / number

    @property
    def is_ours(self) -> bool:
        """Whether a run has been at work in the folder: the first thing that any leaves there is its lock."""
        return any((self.path / name).exists() for name in MARKS)

    def create(self) -> None:
        """Make the folder. Raises ``UserError`` when it cannot be written, or holds something else."""
        try:
            self._refuse_something_else()
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / f"{PROBES[0]}{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UserError(
                Problem(
                    f"the sweep's home cannot be written: {error.strerror}",
                    key="--home",
                    found=str(self.path),
                    allowed="a folder that you may write to",
                )
            ) from error

    def _refuse_something_else(self) -> None:
        """Raise ``UserError`` for a folder that holds anything, but nothing that a run has left there."""
        if self.is_ours or not self.path.is_dir():
            return
        names = sorted(path.name for path in self.path.iterdir() if not _is_own_output(path))
        if foreign := [name for name in names if name != NEW_DISK and not name.startswith(PROBES)]:
            raise UserError(
                Problem(
                    "not the home of a sweep, and not empty",
                    key="--home",
                    found=f"{self.path} with {listed(foreign)}",
                    allowed="a new or empty folder, or the home of an earlier run",
                )
            )

    @contextmanager
    def driver_lock(self) -> Iterator[None]:
        """Refuse a second driver in the same home; the kernel lets go when the driver dies."""
        with open_lock(self.lock, "a+") as lock:
            if not _locked(lock):
                lock.seek(0)
                raise UserError(
                    Problem(
                        "another run is at work in this home",
                        key="--home",
                        found=f"{self.path} (process {lock.read(200).strip() or 'unknown'})",
                        allowed="one run at a time; wait for it, stop it, or give another --home",
                    )
                )
            with naming(self.lock):
                lock.seek(0)
                lock.truncate()
                lock.write(f"{os.getpid()} on {platform.node()}")
                lock.flush()
            yield


def open_lock(path: Path, how: str) -> IO[str]:
    """Open a lock file, whatever was written into it. Raises ``UserError`` when that is not possible."""
    try:
        return open(path, how, encoding="utf-8", errors="replace", opener=open_regular)
    except OSError as error:
        message = f"the sweep's lock cannot be opened: {error.strerror}"
        raise UserError(Problem(message, file=str(path), allowed="a file that you may write to")) from error


def quiet(line: str) -> None:
    """Report nothing."""


def refused(home: Home, message: str, allowed: str, changes: Sequence[str] = ()) -> UserError:
    """The error that says why a home cannot be used, with a line for each change that is in the way."""
    below = tuple(f"  changed: {change}" for change in changes)
    return UserError(Problem(message, key="--home", found=str(home.path), allowed=allowed, below=below))


def _locked(lock: IO[str]) -> bool:
    """Take the lock; tried for a moment, since `status` holds it for an instant to see who drives."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.1)
    return False


def _is_own_output(path: Path) -> bool:
    """Whether what this process prints goes into a file: a shell opens that before the command begins."""
    for stream in (1, 2):
        with suppress(OSError):  # A stream may be closed, a link may lead nowhere.
            if os.path.samestat(path.stat(), os.fstat(stream)):
                return True
    return False


def environment() -> dict[str, Any]:
    """Versions, machine and git commit: what one needs to run the same sweep again."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "cpus": len(os.sched_getaffinity(0)),
        "packages": versions,
        "git_commit": _git_commit(),
    }


def _git_commit() -> str:
    """The commit of the checkout that the package runs from, or '' when it is not a checkout."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],
            capture_output=True,
            timeout=5,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()


def home_at(folder: Path) -> Home:
    """The home in a folder as a person wrote it: `~` and `..` are resolved, symbolic links are kept.

    Raises ``UserError`` for a name that is no text, for MLflow's addresses and Parquet hold nothing else; and
    for a folder that one may not look into.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise UserError(Problem("not a name in UTF-8", key="--home", found=str(folder))) from None
    home = Home(Path(os.path.abspath(from_here(expanded(folder)))))  # noqa: PTH100 - resolve() follows links
    try:
        home.lock.lstat()
    except PermissionError as error:
        message = f"the sweep's home cannot be looked into: {error.strerror}"
        allowed = "a folder that you may read and write"
        raise UserError(Problem(message, key="--home", found=str(home.path), allowed=allowed)) from error
    except OSError:  # It is not there yet, or says later what is wrong with it.
        pass
    return home
