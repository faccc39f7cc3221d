"""Who drives a sweep: a process that holds the lock in its home, perhaps on another machine."""

import fcntl
import platform
from dataclasses import dataclass

from nemesis_sweep.sweep.home.folder import Home


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
    """The process that drives the sweep now, or None."""
    try:
        with home.lock.open(encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                process, _, host = lock.read().strip().partition(" on ")
                return Driver(int(process), host) if process.isdigit() else None
    except FileNotFoundError:
        pass
    return None
