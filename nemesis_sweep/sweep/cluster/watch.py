"""A thread that sees that a cluster is gone, and gets the main thread out of whatever waits for it."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

from nemesis_sweep.sweep.cluster.lost import LostClusterError

EVERY, AGAIN, PATIENCE = 0.25, 2.0, 6.0
"""Seconds between two looks, between two words to the main thread, and until it is no longer waited for."""

WORD = signal.SIGUSR2
"""The signal by which the main thread is told. Ray Tune takes SIGUSR1 for itself."""


class Watch:
    """Asks ``look`` whether the cluster is lost and then raises what it gives in the main thread.

    Ray's C++ may wait where no signal is heard, for ever or until it aborts the process. A main thread that
    does not leave the ``with`` within ``PATIENCE`` seconds is given up: ``last_resort`` is called with the
    error in the watching thread, and must not come back. A loss that something between swallowed, or turned
    into an error of its own, is raised on leaving the ``with``.
    """

    def __init__(
        self,
        look: Callable[[], LostClusterError | None],
        last_resort: Callable[[LostClusterError], None],
    ) -> None:
        self.lost: LostClusterError | None = None
        self._look, self._last_resort = look, last_resort
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ray-watch", daemon=True)
        self._main = threading.current_thread() is threading.main_thread()
        self._before: Any = None

    def __enter__(self) -> Self:
        if self._main:
            self._before = signal.signal(WORD, self._raise)
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._over.set()
        self._thread.join()
        if self._main:
            signal.signal(WORD, self._before)
        if isinstance(error, Exception):
            self.lost = self.lost or self._look()
        if self.lost is not None and (error is None or isinstance(error, Exception)):
            raise self.lost from error

    def check(self) -> None:
        """Raise ``LostClusterError`` if the cluster is lost."""
        self.lost = self.lost or self._look()
        if self.lost is not None:
            raise self.lost

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if self.lost is not None and not self._over.is_set():
            raise self.lost

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            self.lost = self.lost or self._look()
            if self.lost is not None:
                self._get_the_main_thread_out(self.lost)
                return

    def _get_the_main_thread_out(self, lost: LostClusterError) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._main:
                signal.pthread_kill(threading.main_thread().ident or 0, WORD)
            if self._over.wait(AGAIN):
                return
        self._last_resort(lost)
