"""Processes of this machine as Linux shows them below /proc; none where there is no /proc."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
STOPPED, ENDED = "T", "ZX"
"""States: stopped by a signal; ended, though nobody has asked how."""


@dataclass(frozen=True)
class Process:
    """A process by its number and the time at which it began, for numbers are used again."""

    pid: int
    began: str

    @property
    def state(self) -> str:
        """Linux' letter for what it does; `X` when it is gone."""
        now = _stat(self.pid)
        return now[1] if now and now[0] == self else "X"

    @property
    def lives(self) -> bool:
        return self.state not in ENDED

    @property
    def name(self) -> str:
        return _read(self.pid, "comm").strip()

    @property
    def title(self) -> str:
        """Its command line, or what it has written in its place."""
        return _read(self.pid, "cmdline").replace("\0", " ").strip()

    def mentions(self, text: str) -> bool:
        """Whether its command line or the environment that it was given has this text."""
        return any(text in _read(self.pid, file) for file in ("cmdline", "environ"))


def process(pid: int) -> Process | None:
    """The process that has this number now."""
    known = _stat(pid)
    return known[0] if known else None


def below(parent: int) -> dict[Process, int]:
    """All processes that descend from one, each with its own parent."""
    found = {process: above for process, _, above in _all()}
    parents = {process.pid: above for process, above in found.items()}
    return {process: above for process, above in found.items() if parent in _ancestors(above, parents)}


def mentioning(text: str) -> list[Process]:
    """Other processes whose command line or environment has this text."""
    return [process for process, _, _ in _all() if process.pid != os.getpid() and process.mentions(text)]


def end_all(processes: Iterable[Process], seconds: float = 5.0) -> None:
    """kill -9, also for what is stopped, and wait until they are gone."""
    processes = list(processes)
    for process in processes:
        if process.lives:
            with suppress(OSError):
                os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + seconds
    while any(process.lives for process in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in processes:
        with suppress(OSError):
            os.waitpid(process.pid, os.WNOHANG)


def _ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid > 1:
        yield pid
        pid = parents.get(pid, 0)


def _all() -> Iterator[tuple[Process, str, int]]:
    """Every process with its state and its parent."""
    for folder in PROC.glob("[0-9]*"):
        known = _stat(int(folder.name))
        if known is not None:
            yield known


def _stat(pid: int) -> tuple[Process, str, int] | None:
    # A process may be called anything, so its name is passed over up to the last parenthesis.
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return (Process(pid, fields[19]), fields[0], int(fields[1])) if len(fields) > 19 else None


def _read(pid: int, file: str) -> str:
    try:
        return (PROC / str(pid) / file).read_bytes().decode(errors="replace")
    except OSError:
        return ""
