"""Looking at every image of a dataset: which are missing, cut off or not images at all."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from nemesis_sweep.data.dataset import MAX_BYTES, SPLITS, Dataset, Item
from nemesis_sweep.data.decoding.images import Kind, UnusableError, cannot_read, read_image
from nemesis_sweep.data.meter import Meter, SayLine
from nemesis_sweep.data.twins import Seen
from nemesis_sweep.files.regular_file import check_regular, status_of
from nemesis_sweep.messages.counting import counted

CHUNK = 1024
THREADS = 4


@dataclass(frozen=True)
class Flaw:
    """What is wrong with one image. A truncated image begins well and ends too early."""

    kind: Kind
    split: str
    source: str
    reason: str


def flaws(
    dataset: Dataset, decode: bool = True, report: SayLine | None = None, seen: Seen | None = None
) -> Iterator[Flaw]:
    """Yield the images that cannot be used, in the order of the splits.

    decode: read and decode every image; otherwise only what is not there, or no file, is found.
    seen: takes in the images that are decoded.
    """
    items = ((split, item) for split in SPLITS for item in dataset.splits[split])
    yield from _flaws(items, sum(len(dataset.splits[split]) for split in SPLITS), decode, report, seen)


def flaws_of(items: Sequence[tuple[str, Item]], report: SayLine | None = None) -> Iterator[Flaw]:
    """The same for some images, each with the name of its split; all are decoded."""
    yield from _flaws(iter(items), len(items), True, report)


def _flaws(
    items: Iterator[tuple[str, Item]],
    total: int,
    decode: bool,
    report: SayLine | None,
    seen: Seen | None = None,
) -> Iterator[Flaw]:
    meter = Meter(total, f"looking at {counted(total, 'image')}", report, unit="image")
    with ThreadPoolExecutor(THREADS, thread_name_prefix="inspect") as pool:
        while chunk := list(islice(items, CHUNK)):
            found = pool.map(lambda pair: _flaw(pair[0], pair[1], decode), chunk)
            for (split, item), (flaw, digest) in zip(chunk, found, strict=True):
                if flaw is not None:
                    yield flaw
                elif seen is not None and digest:
                    seen.add(split, item, digest)
            meter.add(len(chunk))


def _flaw(split: str, item: Item, decode: bool) -> tuple[Flaw | None, bytes]:
    """What is wrong with an image, and the hash of one that was decoded."""
    if not decode:
        return (None if item.path is None else _absent(split, item.source, item.path)), b""
    try:
        content, _ = read_image(item)
    except UnusableError as error:
        return Flaw(error.kind, split, item.source, error.reason), b""
    return None, hashlib.sha256(content).digest()


def _absent(split: str, source: str, path: Path) -> Flaw | None:
    """What is wrong with a file that is not opened."""
    try:
        check_regular(status_of(path), MAX_BYTES)
    except OSError as error:
        unusable = cannot_read(error)
        return Flaw(unusable.kind, split, source, unusable.reason)
    return None
