"""The same image twice: what is learnt must not be what is tested, and one image has one class."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nemesis_sweep.data.dataset import MAX_BYTES, SPLITS, Item
from nemesis_sweep.files.regular_file import read_regular, status_of
from nemesis_sweep.messages.counting import counted

SHOWN = 3
"""Pairs that a line names."""


Name = Callable[[Item], str]
"""What an image is called in messages, such as ``Dataset.local``."""


@dataclass(frozen=True)
class Twin:
    """An image that is another one byte by byte, each with its split; classes: whether theirs differ."""

    split: str
    source: str
    first_split: str
    first_source: str
    classes: bool = False


class Seen:
    """Images by 8 bytes of their hashes, to find those that come again. name: what an image is called."""

    def __init__(self, name: Name) -> None:
        self._name = name
        self._first: dict[int, tuple[str, int, str]] = {}
        self.twins: list[Twin] = []

    def add(self, split: str, item: Item, digest: bytes) -> None:
        """Take in an image; one that was seen in another split or under another class is kept as a twin."""
        mine = (split, item.label, self._name(item))
        first_split, label, source = self._first.setdefault(int.from_bytes(digest[:8], "big"), mine)
        other = label != item.label
        if first_split != split or other:
            self.twins.append(Twin(split, mine[2], first_split, source, other))


def twins_of(learnt: Iterable[Item], tested: Sequence[Item], name: Name) -> list[Twin]:
    """Tested images that are learnt as well. Files are read only where their size is the same.

    Images that cannot be read are left out; others find those.
    """
    sizes: dict[int, list[Item]] = {}
    for item in {item.source: item for item in learnt}.values():
        if (size := _size(item)) is not None:
            sizes.setdefault(size, []).append(item)
    contents: dict[bytes, Item] = {}
    read: set[int] = set()
    found = []
    for item in tested:
        size = _size(item)
        if not size or size not in sizes:
            continue
        if size not in read:
            read.add(size)
            contents |= {digest: each for each in sizes[size] if (digest := _digest(each))}
        first = contents.get(_digest(item))
        if first is not None:
            found.append(Twin("test", name(item), "train", name(first), first.label != item.label))
    return found


def told(twins: Sequence[Twin]) -> list[str]:
    """A line for each kind of twins, with the first of them; an image is named once, with all its twins."""
    images: dict[str, list[Twin]] = {}
    for twin in twins:
        images.setdefault(twin.first_source, []).append(twin)
    kinds: dict[tuple[str, ...], list[list[Twin]]] = {}
    for same in images.values():
        found = {same[0].first_split, *(twin.split for twin in same)}
        kinds.setdefault(tuple(split for split in SPLITS if split in found), []).append(same)
    lines = []
    for splits, some in sorted(kinds.items(), key=lambda kind: (len(kind[0]) == 1, kind[0])):
        *others, last = splits
        where = f"in {', '.join(others)} and {last}" if others else f"under two classes in {last}"
        lines.append(
            f"the same image {where}: {counted(len(some), 'image')} ({_first(list(map(_pair, some)))})"
        )
    return lines


def _pair(same: Sequence[Twin]) -> str:
    names = [twin.source for twin in same]
    return f"{_first(names, ' and ')} {'is' if len(names) == 1 else 'are'} {same[0].first_source}"


def _first(texts: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return f"{between.join(texts[:SHOWN])}{more}"


def _size(item: Item) -> int | None:
    if item.content is not None:
        return len(item.content)
    try:
        return status_of(item.path).st_size if item.path is not None else None
    except OSError:
        return None


def _digest(item: Item) -> bytes:
    """Hash of the content; nothing where it cannot be read."""
    try:
        content = item.content if item.content is not None else read_regular(Path(str(item.path)), MAX_BYTES)
    except OSError:
        return b""
    return hashlib.sha256(content).digest()
