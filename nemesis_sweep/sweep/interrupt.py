"""Ctrl-C, SIGTERM and a terminal that closes: once ends a sweep in good order, twice ends it now."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from types import FrameType

TOLD = (
    b"\nStopping once every running trial has reported its next result: nothing is lost. Again: stop now.\n"
)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

AT_ONCE = 0.3
"""Seconds within which signals count as one: `timeout` tells a process, and at once its whole group."""

LATE = 3.0
"""Seconds within which a signal that a parent hands on is the one that came by itself: who tells a group
tells both, and on a busy machine the parent has its turn late."""


class Arrivals:
    """Which of the signals that reach this process are news.

    handed_on: how many of a number a parent has handed on until now.
    """

    def __init__(self, handed_on: Callable[[int], int] = lambda number: 0) -> None:
        self.handed_on = handed_on
        self._seen = Counter[int]()
        self._last = -inf
        self._alone: dict[tuple[int, bool], float] = {}

    def is_news(self, number: int) -> bool:
        """Whether a signal of this number that arrives now is another one than those before it."""
        now, handed = time.monotonic(), self.handed_on(number)
        from_parent, self._seen[number] = handed > self._seen[number], handed
        if now < self._alone.pop((number, not from_parent), -inf) + LATE or now < self._last + AT_ONCE:
            return False
        self._last, self._alone = now, {(number, from_parent): now}
        return True


arrivals = Arrivals()


@contextmanager
def stoppable(ask_to_stop: Callable[[], None]) -> Iterator[None]:
    """Call ``ask_to_stop`` on the first signal and raise ``KeyboardInterrupt`` on the next one.

    SIGHUP is only ever the first: when the terminal is gone, there is nobody who could ask again.
    """
    asked = False

    def handle(number: int) -> None:
        nonlocal asked
        if not asked:
            asked = True
            ask_to_stop()
            # Not through a console: the signal may have come in the middle of its printing.
            with suppress(OSError):
                os.write(2, TOLD)
        elif number != signal.SIGHUP:
            raise KeyboardInterrupt

    with _handled_by(handle):
        yield


@contextmanager
def interruptible() -> Iterator[None]:
    """Let every one of the signals raise ``KeyboardInterrupt``, as Ctrl-C does."""

    def handle(number: int) -> None:
        raise KeyboardInterrupt

    with _handled_by(handle):
        yield


@contextmanager
def _handled_by(handle_news: Callable[[int], None]) -> Iterator[None]:
    """Give the signals that are news to ``handle_news``. What is ignored stays so, as under nohup.

    Outside of the main thread, where Python gets no signals, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if arrivals.is_news(number):
            handle_news(number)

    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
