"""Rows of text as lines with columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned(rows: Sequence[Sequence[str]], text: Collection[int] = (0,)) -> list[str]:
    """Lines with columns as wide as what stands in them: those in ``text`` at the left, numbers at the right.

    Every row has as many cells. The last column may be of text, too: nothing stands behind it.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place in text else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
