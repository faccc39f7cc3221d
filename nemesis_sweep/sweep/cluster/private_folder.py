"""The folder in which Ray keeps sockets and logs of a cluster of our own: short, and nobody else looks in."""

import fcntl
import os
import platform
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.cluster.processes import end_all, mentioning

PREFIX = "nsray-"
OWNER = "owner"
VARIABLE = "RAY_TMPDIR"
USUAL = ("/tmp", "/var/tmp", "/dev/shm")

SOCKET = "/r/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"
LONGEST = 107 if sys.platform == "linux" else 103
"""Bytes that the path of a socket may have."""

ROOM = 32 * 2**20
"""Bytes that Ray's logs may need."""

YOUNG = 60.0
"""Seconds within which a folder may belong to a run that has not locked it yet."""


@contextmanager
def private_folder() -> Iterator[Path]:
    """A new folder for this process, removed afterwards, as is what drivers that were killed have left.

    It is put where ``RAY_TMPDIR`` says, else into the first of ``TMPDIR`` and the usual places where Ray can
    work. Raises ``UserError`` where there is none.
    """
    place = _place()
    _remove_leftovers(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    (folder / OWNER).write_text(platform.node(), encoding="utf-8")
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _place() -> Path:
    """The folder to put ours into."""
    wanted = os.environ.get(VARIABLE)
    if wanted:
        with suppress(OSError):
            Path(wanted).mkdir(parents=True, exist_ok=True)
        fault = _fault(wanted)
        if fault is None:
            return Path(wanted)
        if not _is_misspelt_for_ray(wanted):
            raise UserError(
                Problem(f"Ray cannot work there: {fault}", VARIABLE, found=wanted, allowed=ALLOWED)
            )
    tried = [os.environ.get("TMPDIR", ""), *USUAL, os.environ.get("XDG_RUNTIME_DIR", "")]
    faults = {}
    for folder in filter(None, tried):
        fault = _fault(folder)
        if fault is None:
            return Path(folder)
        faults[folder] = fault
    found = "; ".join(f"{folder}: {fault}" for folder, fault in faults.items())
    raise UserError(
        Problem("Ray has no folder to work in", f"TMPDIR or {VARIABLE}", found=found, allowed=ALLOWED)
    )


ALLOWED = "a folder that you may write to, with room, on a disk of this machine"


def _fault(folder: str) -> str | None:
    """Why Ray cannot work below a folder; None where it can."""
    if _is_misspelt_for_ray(folder):
        return "its path is too long, or has letters that are not ASCII"
    try:
        with tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder) as probe:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(f"{probe}/socket")
            if shutil.disk_usage(probe).free < ROOM:
                return f"less than {ROOM // 2**20} MiB are free"
    except OSError as error:
        return error.strerror or str(error)
    return None


def _is_misspelt_for_ray(folder: str) -> bool:
    """Whether Ray has trouble with the path of a folder itself: it puts sockets far below it."""
    ours = f"{folder}/{PREFIX}12345678{SOCKET}"
    return len(os.fsencode(ours)) > LONGEST or not folder.isascii() or not Path(folder).is_absolute()


def _remove_leftovers(place: Path) -> None:
    """End what is left of clusters whose driver is dead, and remove their folders."""
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if _is_left(folder):
                end_all(mentioning(str(folder)))
                shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Whether a folder is this user's, of this machine, and its driver is dead."""
    about = folder.lstat()
    if about.st_uid != os.getuid() or folder.is_symlink() or time.time() - about.st_mtime < YOUNG:
        return False
    if (folder / OWNER).read_text(encoding="utf-8") != platform.node():
        return False
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
