"""Time that a process trains, without the time in which it stood still: stopped, frozen or swapped out."""

from __future__ import annotations

import threading
import time
from types import TracebackType

TICK = 0.25
"""Seconds between two looks at the clock."""
PAUSE = 1.0
"""Seconds beyond a tick from which on the process counts as having stood still."""
BUSY = 0.1
"""Share of such a pause in which a processor worked for the process: then it only could not look."""


class Stopwatch:
    """`with Stopwatch() as watch: ...`, then `watch.seconds`.

    A thread looks at the clock. Where it could not for a while, and the process has hardly used a processor
    meanwhile, the process did not run: SIGSTOP, a container that was paused, a machine without memory. A GPU
    at work does not keep the thread from looking.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._look, name="stopwatch", daemon=True)

    def __enter__(self) -> Stopwatch:
        self._looked, self._used = time.monotonic(), time.process_time()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._count()

    def _look(self) -> None:
        while not self._stop.wait(TICK):
            self._count()

    def _count(self) -> None:
        """Count the time since the last look, if the process ran."""
        with self._lock:
            now, used = time.monotonic(), time.process_time()
            passed, worked = now - self._looked, used - self._used
            if passed < TICK + PAUSE or worked > BUSY * passed:
                self.seconds += passed
            else:
                self.seconds += worked
            self._looked, self._used = now, used
