"""Images decoded ahead of the encoder, in threads or in processes of their own, in the order of the items."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Literal, Self, get_args

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.decoding.here import Decoded, decode_here
from nemesis_sweep.data.decoding.process import DecoderPool
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.preprocess import Preprocess

Way = Literal["auto", "threads", "processes"]
VARIABLE = "NEMESIS_SWEEP_DECODE"

CROWD = 16
"""Threads up to which processes are no faster. Decoding a photograph takes 5 ms, for 0.1 ms of which it holds
Python's lock; so threads get into each other's way only when there are many of them."""

MANY = 2048
"""Pictures from which on so many processes are worth their start, a third of a second."""

FEWEST, MOST = 2, 32
"""Decoders at a time: two, so that one reads while the other computes, and no more than a disk can feed."""

Decode = Callable[[Sequence[Item], Sequence[int]], Decoded]
"""Items and the numbers of their views to pixels."""


def in_processes(pictures: int, count: int, way: Way = "auto") -> bool:
    """Whether ``count`` decoders of so many pictures are processes; by default where there are many of both.

    way: decides it; else ``$NEMESIS_SWEEP_DECODE`` does.

    Raises ``UserError`` when the variable has another value.
    """
    given = os.environ.get(VARIABLE) or "auto" if way == "auto" else way
    if given not in get_args(Way):
        raise UserError(
            Problem("no way to decode images", VARIABLE, found=given, allowed=", ".join(get_args(Way)))
        )
    return count > CROWD and pictures >= MANY if given == "auto" else given == "processes"


class Decoders:
    """Some threads that decode, each by itself or each with a process of its own; closed by ``with``.

    count: CPUs that there are for them. processes: whether images are decoded in processes, which do not wait
    for this one's interpreter.
    """

    def __init__(self, preprocess: Preprocess, count: int, processes: bool) -> None:
        self.count = count = min(MOST, max(FEWEST, count))
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="decode")
        self._pool = DecoderPool(preprocess) if processes else None
        self._decode: Decode = (
            self._pool.decode if self._pool else partial(decode_here, preprocess=preprocess)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        if self._pool:
            self._pool.close()

    def ahead(self, groups: Iterable[tuple[Sequence[Item], Sequence[int]]], most: int) -> Iterator[Decoded]:
        """Each group decoded, in order, while up to ``most`` of the next ones are being decoded."""
        waiting: deque[Future[Decoded]] = deque()
        try:
            for items, views in groups:
                waiting.append(self._threads.submit(self._decode, items, views))
                if len(waiting) > most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
