"""Packing items of different lengths, whole, into bins of one size."""

from __future__ import annotations

from collections import Counter


def pack(lengths: list[int], limit: int = 64) -> tuple[list[list[int]], int]:
    """Pack items of given lengths into bins of one size S. Returns the bins (lists of indices) and S.

    The largest item that still fits goes first, which wastes little where many items share few lengths. S is
    at least the longest item, else at most `limit`: the size with the fewest rows in all, small ones
    preferred (attention inside a bin costs rows * S).
    """
    longest = max(lengths)
    counts = Counter(lengths)

    def cost(size: int) -> float:
        return len(_fill(counts, size)) * size * (1 + size / 512)

    size = min(range(longest, max(longest, limit) + 1), key=cost)
    waiting: dict[int, list[int]] = {}
    for index in reversed(range(len(lengths))):
        waiting.setdefault(lengths[index], []).append(index)
    return [[waiting[length].pop() for length in content] for content in _fill(counts, size)], size


def _fill(counts: Counter[int], size: int) -> list[list[int]]:
    """Bins of lengths, for items counted by length."""
    left = dict(sorted(counts.items(), reverse=True))
    bins: list[list[int]] = []
    while left:
        room = size
        content: list[int] = []
        for length in list(left):
            take = min(left[length], room // length)
            room -= take * length
            left[length] -= take
            content += [length] * take
            if not left[length]:
                del left[length]
        bins.append(content)
    return bins
