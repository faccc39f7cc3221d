"""Images decoded ahead of the encoder, in threads, in the order of the items.

Threads and not processes: decoding a photograph takes 5 ms, for 0.1 ms of which it holds Python's lock.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.decoding.decoded import Decoded, decode
from nemesis_sweep.vlm.preprocess import Preprocess

FEWEST, MOST = 2, 32
"""Threads: two, so that one reads while the other computes, and no more than a disk can feed."""


class Decoders:
    """Some threads that decode; closed by ``with``. count: CPUs that there are for them."""

    def __init__(self, preprocess: Preprocess, count: int) -> None:
        self.count = count = min(MOST, max(FEWEST, count))
        self._preprocess = preprocess
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="decode")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def ahead(self, groups: Iterable[tuple[Sequence[Item], Sequence[int]]], most: int) -> Iterator[Decoded]:
        """Each group decoded, in order, while up to ``most`` of the next ones are being decoded."""
        waiting: deque[Future[Decoded]] = deque()
        try:
            for items, views in groups:
                waiting.append(self._threads.submit(decode, items, views, self._preprocess))
                if len(waiting) > most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
