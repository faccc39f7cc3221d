"""Holm's correction: several comparisons at once, with one chance of a false finding among all of them."""

from __future__ import annotations

from collections.abc import Sequence


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Return the adjusted p of every comparison, None where there is none.

    The k-th smallest of m is multiplied by m + 1 - k, is at least as large as those before it, and at most 1.
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979). A comparison without a p was not made and does not count for m.
    """
    made = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    largest = 0.0
    for smaller, (p, place) in enumerate(made):
        largest = max(largest, min(1.0, p * (len(made) - smaller)))
        adjusted[place] = largest
    return adjusted
