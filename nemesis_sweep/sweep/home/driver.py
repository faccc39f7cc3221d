"""Who drives a sweep: a process that holds the lock in its home, perhaps on another machine."""

import fcntl
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.home.folder import LOCK_TRIES, Home, open_lock

LOCKS = Path("/proc/locks")
"""Linux' own list of who holds which lock."""


@dataclass(frozen=True)
class Driver:
    """A process, and the name of the machine that it runs on."""

    process: int
    host: str

    @property
    def is_here(self) -> bool:
        """Whether the process runs on this machine, so that its number means something."""
        return self.host in ("", platform.node())


def driver(home: Home) -> Driver | None:
    """The process that drives the sweep now, or None.

    Raises ``UserError`` when somebody does and the lock file, which may be damaged, does not say who.
    """
    if not home.lock.exists():
        return None
    with open_lock(home.lock, "r") as lock:
        for _ in range(LOCK_TRIES):
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if (found := _named(lock)) is not None:
                    return found
                time.sleep(0.1)  # It may be writing its name just now.
            else:
                return None
    message = "a run is at work in this home, but the file does not say which process"
    raise UserError(Problem(message, file=str(home.lock), allowed="end it where it was started"))


def _named(lock: IO[str]) -> Driver | None:
    """The process that the lock file names; on this machine it has to hold the lock, for it is signalled."""
    lock.seek(0)
    text, _, host = lock.read(200).strip().partition(" on ")
    named = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
    holders = _holders(lock)
    if holders and host in ("", platform.node()) and named not in holders:
        return Driver(holders[0], platform.node())
    return Driver(named, host) if named > 1 else None


def _holders(lock: IO[str]) -> list[int]:
    """The processes of this machine that hold the lock, where the system says it."""
    file = os.fstat(lock.fileno())
    name = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    try:
        lines = [line.split() for line in LOCKS.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return []
    return [int(line[4]) for line in lines if line[1] == "FLOCK" and line[5] == name and int(line[4]) > 1]
