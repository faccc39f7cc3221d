"""Ctrl-C, SIGTERM and a terminal that closes: once ends a sweep in good order, twice ends it now."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

TOLD = (
    b"\nStopping once every running trial has reported its next result: nothing is lost. Again: stop now.\n"
)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

AT_ONCE = 0.3
"""Seconds within which signals count as one: `timeout` tells a process, and at once its whole group."""


@contextmanager
def stoppable(ask_to_stop: Callable[[], None]) -> Iterator[None]:
    """Call ``ask_to_stop`` on the first signal and raise ``KeyboardInterrupt`` on the next one.

    SIGHUP is only ever the first: when the terminal is gone, there is nobody who could ask again.
    """
    asked: float | None = None

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked is None:
            asked = time.monotonic()
            ask_to_stop()
            # Not through a console: the signal may have come in the middle of its printing.
            with suppress(OSError):
                os.write(2, TOLD)
        elif number != signal.SIGHUP and time.monotonic() > asked + AT_ONCE:
            raise KeyboardInterrupt

    with _handled_by(handle):
        yield


@contextmanager
def interruptible() -> Iterator[None]:
    """Let every one of the signals raise ``KeyboardInterrupt``, as Ctrl-C does."""
    raised: float | None = None

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal raised
        if raised is None or time.monotonic() > raised + AT_ONCE:
            raised = time.monotonic()
            raise KeyboardInterrupt

    with _handled_by(handle):
        yield


@contextmanager
def _handled_by(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Give the signals to ``handle``. What is ignored stays so, as under nohup.

    Outside of the main thread, where Python gets no signals, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
