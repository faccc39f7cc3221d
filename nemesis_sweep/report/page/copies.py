"""Work that is shared out to copies of this process: drawing keeps one core busy for seconds."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

MOST = 4
"""Copies: more gain little, since each loads its own part of matplotlib."""

T = TypeVar("T")
Make = Callable[[int], T]

_make: Make[Any]
"""In a copy: what it makes."""


def copies() -> int:
    """How many copies of this process may work at once; 1 where it is better not copied.

    What threads hold locked, such as Ray's, would be locked in a copy for ever.
    """
    alone = threading.active_count() == 1 and "ray" not in sys.modules
    return min(MOST, len(os.sched_getaffinity(0))) if alone and hasattr(os, "sched_getaffinity") else 1


def made_by_copies(make: Make[T], count: int, processes: int) -> Iterator[T]:
    """``make(0)``, ``make(1)``, ... up to ``count``, in order, made by so many copies of this process.

    An error of ``make`` is raised here. When a copy is killed, what is left is made here.
    """
    if processes < 2:
        yield from map(make, range(count))
        return
    # A fork has all that is in memory: only what is made crosses over.
    fork = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(processes, fork, _begin, (make,))
    try:
        for place, made in enumerate([pool.submit(_made, place) for place in range(count)]):
            try:
                yield made.result()
            except BrokenProcessPool:
                yield make(place)
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(make: Make[Any]) -> None:
    global _make
    _make = make
    gc.freeze()  # What was copied is for nobody to collect: to look through it takes a tenth of the time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is told by the process that was copied.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_the_process, daemon=True).start()


def _end_with_the_process() -> None:
    """A copy whose process was killed would wait for ever for more to make."""
    copied = multiprocessing.parent_process()
    assert copied is not None
    copied.join()
    os._exit(1)


def _made(place: int) -> Any:
    return _make(place)
