"""A disk that is full: known by its error, whoever raises it, and told with the file that found no room."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""No space, no quota, or a file larger than this process may write."""
SQLITE = "database or disk is full"
WORDS = {
    SQLITE: SQLITE,
    **{os.strerror(number): os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT)},
    **{f"(os error {number})": os.strerror(number) for number in FULL},
}
"""How those say it that have no error numbers (SQLite, safetensors, MLflow, Ray), and what it means."""

NEEDED = 2**20
"""Bytes without which a disk counts as full: hardly anything that a sweep writes is larger."""


class Full(NamedTuple):
    """Why there was no room, the file as far as it is known, and the words of the error that said so."""

    reason: str
    file: str
    told: str


def full_disk(error: BaseException | None) -> Full | None:
    """What an error says of a full disk; None when it came of something else.

    Looks at what the error was raised from, too: Ray Tune, MLflow and SQLAlchemy wrap what goes wrong.
    """
    reason = file = told = ""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in FULL:
            reason, told = os.strerror(error.errno), told or str(error)
            file = file or str(error.filename or "")
        elif not reason:
            reason = next((meaning for words, meaning in WORDS.items() if words in str(error)), "")
            told = str(error) if reason else ""
        error = error.__cause__ or error.__context__
    return Full(reason, file, " ".join(told.split())) if reason else None


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let the error of a full disk name the file that is written within."""
    try:
        yield
    except Exception as error:
        full = full_disk(error)
        if full is None or (isinstance(error, OSError) and error.filename):
            raise
        number = next((each for each in FULL if os.strerror(each) == full.reason), errno.ENOSPC)
        raise OSError(number, full.reason, str(path)) from error


def has_room(folder: Path) -> bool:
    """Whether something can still be written in a folder; true too where nothing may be written at all."""
    probe = folder / f".room-{os.getpid()}"
    try:
        with probe.open("wb", buffering=0) as file:
            # Zeros may take no room on a disk that compresses.
            rest = memoryview(os.urandom(NEEDED))
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno not in FULL
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return True
