"""Work that is shared out to copies of this process: drawing keeps one core busy for seconds."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

MOST = 4
"""Copies: more gain little, since each loads its own part of matplotlib."""

T = TypeVar("T")
Make = Callable[[int], T]


def copies() -> int:
    """How many copies of this process may work at once; 1 where it is better not copied.

    What threads hold locked, such as Ray's, would be locked in a copy for ever.
    """
    alone = threading.active_count() == 1 and "ray" not in sys.modules
    return min(MOST, len(os.sched_getaffinity(0))) if alone and hasattr(os, "sched_getaffinity") else 1


def made_by_copies(make: Make[T], count: int, processes: int) -> Iterator[T]:
    """``make(0)``, ``make(1)``, ... up to ``count``, in order, made by so many copies of this process.

    count: at most 256. Each copy takes the next place that no other took. An error of ``make`` is raised
    here. What a copy that was killed leaves is made here.
    """
    if processes < 2:
        yield from map(make, range(count))
        return
    # A fork has all that is in memory: only what is made crosses over.
    fork = multiprocessing.get_context("fork")
    places, given = os.pipe()
    os.write(given, bytes(range(count)))
    os.close(given)
    pipes, workers = [], []
    for _ in range(processes):
        reader, writer = fork.Pipe(duplex=False)
        workers.append(fork.Process(target=_work, args=(make, places, reader, writer), daemon=True))
        workers[-1].start()
        writer.close()
        pipes.append(reader)
    os.close(places)
    try:
        yield from _in_order(make, count, pipes)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _work(make: Make[Any], places: int, reader: Connection, writer: Connection) -> None:
    """Send what is made, or the error; the end of a pipe says that there is no more.

    places: the pipe that all copies read from, a byte for each place.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is told by the process that was copied.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    reader.close()  # So that it ends when nobody reads any more.
    while taken := os.read(places, 1):
        place = taken[0]
        try:
            writer.send((place, make(place), None))
        except Exception as error:
            writer.send((place, None, error))


def _in_order(make: Make[T], count: int, pipes: list[Connection]) -> Iterator[T]:
    ready: dict[int, tuple[T, Exception | None]] = {}
    for place in range(count):
        while place not in ready and pipes:
            for pipe in wait(pipes):
                assert isinstance(pipe, Connection)
                try:
                    found, *told = pipe.recv()
                    ready[found] = told[0], told[1]
                except EOFError:
                    pipes.remove(pipe)
        made, error = ready.pop(place) if place in ready else (make(place), None)
        if error is not None:
            raise error
        yield made
