"""What lies in a class folder and below it: images by their content where the name does not tell."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from nemesis_sweep.data.catalogue.listing import SUFFIXES, SYSTEM_FOLDERS, is_folder
from nemesis_sweep.data.signatures import HEAD, signature
from nemesis_sweep.files.regular_file import read_head
from nemesis_sweep.messages.errors import Problem, UserError

SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
HIDDEN_SYSTEM = (
    *(".ipynb_checkpoints", ".git", ".cache", ".trash", ".spotlight", ".fseventsd", ".thumb", "._"),
    *(".ds_store", ".appledouble", ".localized", ".directory", ".nfs", ".fuse_hidden", ".temp"),
)
"""Beginnings of hidden names that programs make: nobody misses what is in them."""


class EnoughError(Exception):
    """More files were looked at than asked for."""


class Bound:
    """How many files may still be looked at; without a number, all. An opened file counts as ten."""

    def __init__(self, files: int | None = None) -> None:
        self.left = files

    def take(self, count: int = 1) -> None:
        """Count files. Raises ``EnoughError`` after the last one."""
        if self.left is None:
            return
        self.left -= count
        if self.left < 0:
            raise EnoughError


@dataclass
class Found:
    """What a folder gives. Paths are below it, with `/`.

    images: sorted. by_content: those whose name does not say that they are images. deeper: how many there are
    in folders inside it. unread: images of kinds that are not opened, with their kind. others: files that are
    no images. nowhere: links to nothing. hidden: images and folders with hidden names.
    again: folders that were counted by another name.
    """

    images: list[str] = field(default_factory=list)
    by_content: list[str] = field(default_factory=list)
    deeper: Counter[str] = field(default_factory=Counter)
    unread: list[tuple[str, str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    nowhere: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)


def look_below(folder: Path, bound: Bound) -> Found:
    """Everything in a folder and in the folders inside it.

    Raises ``UserError`` for a folder that cannot be listed, ``EnoughError`` at the bound.
    """
    found = Found()
    # A folder that two links lead to counts once, and one that leads back is not followed.
    seen = {identity(folder)}
    waiting = [(folder, "")]
    while waiting:
        place, prefix = waiting.pop()
        before = len(found.images)
        for name in _look(place, prefix, found, bound):
            below = identity(place / name)
            if below in seen:
                found.again.append(prefix + name)
            else:
                seen.add(below)
                waiting.append((place / name, f"{prefix}{name}/"))
        if prefix and len(found.images) > before:
            found.deeper[prefix.rstrip("/")] = len(found.images) - before
    found.images.sort()
    return found


def look_in(folder: Path, bound: Bound) -> tuple[Found, list[str]]:
    """The files in a folder alone, and the names of the folders in it, sorted, without those of programs."""
    found = Found()
    folders = _look(folder, "", found, bound)
    return found, folders


def identity(folder: Path) -> tuple[int, int]:
    """What tells one folder from all others, by whatever name it is reached. Raises ``UserError``."""
    try:
        status = folder.stat()
    except OSError as error:
        raise UserError(Problem(f"cannot list this folder: {error.strerror}", file=str(folder))) from error
    return status.st_dev, status.st_ino


def _look(folder: Path, prefix: str, found: Found, bound: Bound) -> list[str]:
    """Take in the files of a folder, and give the names of the folders in it."""
    folders: list[str] = []
    for entry in _entries(folder, bound):
        if is_folder(entry):
            _take_folder(entry.name, prefix + entry.name, found, folders)
        else:
            _take_file(entry, prefix + entry.name, found, bound)
    return folders


def _take_folder(name: str, path: str, found: Found, folders: list[str]) -> None:
    if name.startswith("."):
        if not name.lower().startswith(HIDDEN_SYSTEM):
            found.hidden.append(f"{path}/")
    elif name.lower() not in SYSTEM_FOLDERS:
        folders.append(name)


def _take_file(entry: os.DirEntry[str], path: str, found: Found, bound: Bound) -> None:
    name = entry.name
    if name.lower() in SYSTEM_FILES or name.lower().startswith(HIDDEN_SYSTEM):
        return
    hidden = name.startswith(".")
    if not hidden and name.rpartition(".")[2].lower() in SUFFIXES:
        found.images.append(path)
        return
    if entry.is_symlink() and not Path(entry.path).exists():
        if not hidden:
            found.nowhere.append(path)
        return
    bound.take(10)
    known, kind = signature(read_head(Path(entry.path), HEAD))
    if hidden:
        found.hidden += [path] * (known == "raster")
    elif known == "raster":
        found.images.append(path)
        found.by_content.append(path)
    elif known == "other":
        found.unread.append((path, kind))
    else:
        found.others.append(path)


def _entries(folder: Path, bound: Bound) -> list[os.DirEntry[str]]:
    """What is in a folder, sorted: what a directory gives must not depend on the disk."""
    entries = []
    try:
        with os.scandir(folder) as listed:
            for entry in listed:
                bound.take()
                entries.append(entry)
    except OSError as error:
        raise UserError(Problem(f"cannot list this folder: {error.strerror}", file=str(folder))) from error
    return sorted(entries, key=lambda entry: entry.name)
