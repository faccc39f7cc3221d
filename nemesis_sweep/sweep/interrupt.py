"""Ctrl-C and SIGTERM during a sweep: once ends it in good order, twice ends it now."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

TOLD = b"\nStopping when every running trial has told its next result, so nothing is lost. Again: stop now.\n"


@contextmanager
def stoppable(ask_to_stop: Callable[[], None]) -> Iterator[None]:
    """Call ``ask_to_stop`` on the first SIGINT or SIGTERM and raise ``KeyboardInterrupt`` on the next one.

    Outside of the main thread, where Python gets no signals, nothing is changed.
    """
    asked = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        ask_to_stop()
        # Not through a console: the signal may have come in the middle of its printing.
        os.write(2, TOLD)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
