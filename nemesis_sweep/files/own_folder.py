"""A folder that a command replaces whole: one that is empty, or holds nothing but what it wrote."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection
from pathlib import Path

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed


def refuse_current(folder: Path, key: str) -> None:
    """Raise ``UserError`` for the current folder: the shell that stands in it would be left in none."""
    folder = Path(os.path.realpath(folder))
    if folder == Path.cwd():
        allowed = "a folder in it or elsewhere: this one is replaced whole"
        raise UserError(Problem("the current folder", key, found=str(folder), allowed=allowed))


def made_folder(folder: Path) -> None:
    """Make a folder and those above it where they are not there.

    Raises ``UserError`` where a file is in the place of one of them, and where none can be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, FileNotFoundError) as error:
        raise _no_folder(folder) from error


def refuse_uncreatable(folder: Path, key: str) -> None:
    """Raise ``UserError`` where the folder cannot be made: a file is in its place or in that of one above it,
    or in the nearest one that is there none can be made. For an instant one is, to see it."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not there.is_dir():
        raise _no_folder(folder, key)
    if not os.access(there, os.W_OK | os.X_OK):
        allowed = "a folder that you may write in"
        raise UserError(Problem("no permission to write there", key, found=str(there), allowed=allowed))
    try:
        # Some file systems give every permission and make nothing.
        Path(tempfile.mkdtemp(prefix=".nemesis-sweep.", dir=there)).rmdir()
    except OSError as error:
        message, allowed = f"no folder can be made there: {error.strerror}", "a folder that you may write in"
        raise UserError(Problem(message, key, found=str(there), allowed=allowed)) from error


def refuse_irreplaceable(folder: Path, key: str) -> None:
    """Raise ``UserError`` for the current folder, and where the folder, or the one that stands in its place
    for an instant, cannot be made. Of a link the folder counts that it leads to."""
    refuse_current(folder, key)
    refuse_uncreatable(folder, key)
    refuse_uncreatable(Path(os.path.realpath(folder)).parent, key)


def refuse_foreign(folder: Path, key: str, names: Collection[str]) -> None:
    """Raise ``UserError`` for a folder that cannot be replaced, and for one with other names."""
    refuse_irreplaceable(folder, key)
    foreign = sorted({path.name for path in folder.iterdir()} - set(names)) if folder.is_dir() else []
    if foreign:
        message = "this folder would be replaced, and holds something else"
        found = f"{folder} with {listed(foreign)}"
        allowed = "a new or empty folder, or an earlier one of the same kind"
        raise UserError(Problem(message, key, found=found, allowed=allowed))


def _no_folder(folder: Path, key: str = "") -> UserError:
    return UserError(Problem("not a folder", key, found=str(folder), allowed="a folder, new or not"))
