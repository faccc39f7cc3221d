"""What datasets and backbones are called on a page: the last part of a path, as far as that is enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """The name of every path: its last part, `birds` of `./photos/birds`; of those that end alike as many
    parts as tell them apart, `a/birds` and `b/birds`."""
    named: dict[str, str] = {}
    left = list(dict.fromkeys(paths))
    depth = 0
    while left:
        depth += 1
        ends = {path: "/".join(PurePath(path).parts[-depth:]) for path in left}
        alike = Counter(ends.values())
        for path, end in ends.items():
            if alike[end] == 1:
                named[path] = end or path
            elif depth >= len(PurePath(path).parts):
                named[path] = path
        left = [path for path in left if path not in named]
    return named
