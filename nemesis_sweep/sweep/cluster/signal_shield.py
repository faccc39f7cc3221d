"""Ray's processes hear no signal that ends a sweep: only the driver does, and ends them in its own time.

`timeout`, a closing terminal, Slurm and systemd signal all processes of a group or of a job. Ray's would die
of it, and the driver with them, in the middle of everything. Ray keeps Ctrl-C from them in the same way.
They still end with a driver that is killed with -9, for which Ray asks the kernel.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nemesis_sweep.sweep.interrupt import SIGNALS

RAYLET, GCS = "raylet", "gcs_server"
SERVERS = (RAYLET, GCS)
"""What of Ray's processes has to be asked to end, in their order; the others only watch."""

_starting = False


@contextmanager
def signal_shield() -> Iterator[list[int]]:
    """Start processes that the signals do not reach, nor theirs; gives a list that has them afterwards."""
    global _starting
    before, started = set(_children()), list[int]()
    _starting = True
    try:
        yield started
    finally:
        _starting = False
        started += [child for child in _children() if child not in before]


def end_watchers(started: list[int]) -> None:
    """End those of Ray's processes that are no servers: ``ray.shutdown`` would wait a second for each."""
    for process in set(started) & set(_children()):
        with suppress(OSError):
            name = Path(f"/proc/{process}/comm").read_text(encoding="utf-8", errors="replace").strip()
            if name not in SERVERS:
                os.kill(process, signal.SIGKILL)


def _block_in_child() -> None:
    if _starting:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _children() -> list[int]:
    """This process' children, also those that have ended; none where there is no /proc."""
    found: list[int] = []
    for task in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text(encoding="utf-8").split())
    return found


os.register_at_fork(after_in_child=_block_in_child)
