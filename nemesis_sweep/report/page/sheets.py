"""Pictures with a panel for each task: as many as it takes, so that each fits a sheet of paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from nemesis_sweep.report.page.style import ACROSS

ROWS = 4
"""Rows of panels on a sheet: with a legend they are about 8 inches high."""

T = TypeVar("T")


@dataclass(frozen=True)
class Sheet:
    """One of ``count`` pictures that show the same of different tasks. number: from 1."""

    number: int
    count: int

    def name(self, name: str) -> str:
        """Of its files."""
        return name if self.count == 1 else f"{name}-{self.number}"

    def title(self, title: str) -> str:
        """Its heading."""
        return title if self.count == 1 else f"{title} ({self.number} of {self.count})"


def sheets(shown: Sequence[T], across: int = ACROSS) -> Iterator[tuple[Sheet, Sequence[T]]]:
    """The sheets with what each of them shows, about as many rows on each. across: panels in a row."""
    rows = -(-len(shown) // across)
    count = -(-rows // ROWS)
    each = -(-rows // count) * across if count else 1
    for number in range(count):
        yield Sheet(number + 1, count), shown[number * each : (number + 1) * each]
