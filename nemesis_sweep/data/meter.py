"""Progress of long work on images, as lines with the rate and the time left."""

import time
from collections.abc import Callable

from nemesis_sweep.messages.counting import counted

SayLine = Callable[[str], None]
"""Takes a line of progress."""

REPORT_EVERY = 5.0
"""Seconds between two progress lines."""


class Meter:
    """Counts views (or another ``unit``) and tells ``report`` how fast it goes and how long it will take.

    begins: whether it tells so at once; where not, work that is over in less than ``every`` is never told.
    """

    def __init__(
        self,
        total: int,
        what: str,
        report: SayLine | None,
        every: float = REPORT_EVERY,
        unit: str = "view",
        begins: bool = True,
    ) -> None:
        self._total, self._what, self._report, self._every = total, what, report, every
        self._unit = unit
        self._done, self._started = 0, time.monotonic()
        self._told = self._started
        self._begun = begins
        if report and begins:
            report(f"{what}: begins")

    def add(self, count: int) -> None:
        """Count what is done."""
        self._done += count
        now = time.monotonic()
        is_over = self._done >= self._total and self._begun
        if self._report is None or (now - self._told < self._every and not is_over):
            return
        self._told, self._begun = now, True
        seconds = max(now - self._started, 1e-9)
        rate = self._done / seconds
        if self._done < self._total:
            left = f"{(self._total - self._done) / rate:.0f} s left"
        else:
            left = f"done in {seconds:.1f} s"
        speed = f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"
        done = f"{self._done} of {counted(self._total, self._unit)}, {speed} {self._unit}s/s"
        self._report(f"{self._what}: {done}, {left}")
