"""Files that are replaced whole, so that a process may be killed at any moment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nemesis_sweep.files.full_disk import naming


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file to write in the place of ``path``, which it becomes in one step once it is on the disk.

    Nobody ever reads half of it, and what could not be written whole is taken away.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        with naming(path):
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
    finally:
        # On a full disk what is left of it would take the room that others need.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, text: str, mode: int = 0o666) -> None:
    """Replace a text file in one step, so that nobody ever reads half of it.

    mode: who may read and write it, less what the process' own mask takes away.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        replacing(path) as temporary,
        open(temporary, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, mode)) as file,
    ):
        file.write(text)
