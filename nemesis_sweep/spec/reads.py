"""What is kept of an image for a prompt, so that all trials have it of one computation."""

from __future__ import annotations

import re

Reads = str
"""What is kept of an image for a prompt: `pooled`, its one feature ``(E,)``; `patches`, those of its parts
``(Q, E)``; `pixels`, its bytes ``(H, H, 3)``; `states-K`, its tokens ``(Q, W)`` as they enter the last K
blocks of the image tower."""

POOLED, PATCHES, PIXELS = READS = ("pooled", "patches", "pixels")
STATES = "states"


def last_of(reads: Reads) -> int | None:
    """The number of the last blocks whose states are read; None where none are."""
    kind, _, last = reads.partition("-")
    return int(last) if kind == STATES else None


def number_bytes(reads: Reads) -> int:
    """Bytes of a number of what is kept of an image: pixels are bytes, all else is fp32."""
    return 1 if reads == PIXELS else 4


def is_read(reads: object) -> bool:
    """Whether it says what is kept of an image."""
    return isinstance(reads, str) and (reads in READS or bool(re.fullmatch(rf"{STATES}-[1-9]\d*", reads)))
