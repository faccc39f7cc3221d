"""What is said when a disk is full. Nothing is lost: the next run goes on where this one had to stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nemesis_sweep.files.full_disk import full_disk, has_room
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.home.folder import Home

ALLOWED = "room there, then the same command again: what was reported is kept, and it goes on from there"
TOLD = 300
"""Characters of an error's own words: SQLAlchemy's end with the whole statement."""


class FullDiskError(UserError):
    """A disk had no room for what a sweep has to keep.

    found: the file and why, as :func:`no_room` gives them.
    """

    def __init__(self, found: str) -> None:
        super().__init__(Problem("the disk is full", found=found, allowed=ALLOWED))


def no_room(error: BaseException | None, folder: Path) -> str | None:
    """The file that found no room, and why; None when the error came of something else.

    Not every library says what it met ("unable to open database file"), and a process may just die of it: so
    the folder is asked, too. Without an error it alone is.
    """
    full = full_disk(error)
    if full is not None:
        if not full.file and has_room(folder):
            # Another disk, that of a database's server perhaps: its own words say more than we know.
            return full.told[:TOLD]
        return f"{full.file or folder} ({full.reason})"
    if isinstance(error, UserError) or has_room(folder):
        return None
    return f"{folder} (nothing can be written there any more)"


@contextmanager
def told_when_full(home: Home) -> Iterator[None]:
    """Raise ``FullDiskError`` in the place of whatever a full disk makes others raise within."""
    try:
        yield
    except FullDiskError:
        raise
    except Exception as error:
        found = no_room(error, home.path)
        if found is None:
            raise
        raise FullDiskError(found) from error
