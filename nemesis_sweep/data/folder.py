"""The folder of a feature store: where it is, what it says of itself, who may write. Needs no torch."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.files.current_folder import expanded, from_here
from nemesis_sweep.files.full_disk import FULL
from nemesis_sweep.files.sealed import DamagedError, read_object
from nemesis_sweep.messages.errors import Problem, UserError

ABOUT = "about.json"
LOCK = "lock"
FORMAT = 4
"""Goes up when views or shards are made another way, so that an older release's features are not mixed in."""


@dataclass(frozen=True)
class About:
    """What the features of a folder depend on, and the backbone's name for people.

    fingerprint: sha256 of the weights. preprocess: how an image becomes pixels. views: size of the view set.
    dtype: number format of the image tower. reads: features of whole images (`pooled`), of their parts, or
    tokens before so many of the last blocks (`states-K`), or bytes (`pixels`).
    """

    backbone: str
    fingerprint: str
    preprocess: Mapping[str, Any]
    views: int
    dtype: str
    format: int = FORMAT
    reads: str = "pooled"

    @property
    def identity(self) -> str:
        """sha256 of everything but the name, 64 hex digits."""
        facts = {key: value for key, value in asdict(self).items() if key != "backbone"}
        # Folders of earlier versions, which knew no other, stay what they are.
        if self.reads == "pooled":
            del facts["reads"]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def folder(self) -> str:
        """Name of the folder."""
        slug = "".join(c if c.isalnum() or c in "-." else "-" for c in self.backbone).strip("-.")[:60]
        return f"{slug}-{self.views}v-{self.identity[:16]}"


def default_root() -> Path:
    """``$NEMESIS_SWEEP_CACHE``, or a folder in the user's cache directory."""
    given = os.environ.get("NEMESIS_SWEEP_CACHE")
    if given:
        return from_here(expanded(given)).resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return expanded(base) / "nemesis-sweep" / "features"


def read_about(folder: Path) -> About | None:
    """What the folder says of itself; None when it is no store's, or when its record is broken."""
    try:
        about = About(**read_object(folder / ABOUT))
        return about if folder.name == about.folder else None
    except (DamagedError, TypeError, AttributeError, ValueError):
        return None


def write_about(folder: Path, about: About) -> None:
    """Make the folder and its record. Raises ``UserError`` when they cannot be written."""
    there = read_about(folder)
    if there is not None and there.identity == about.identity:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / ABOUT) as temporary:
            text = json.dumps(asdict(about), indent=2, sort_keys=True) + "\n"
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(folder, error) from error


def mark_used(folder: Path) -> None:
    """Set the time of the last use; a store that may only be read keeps its own."""
    try:
        os.utime(folder / ABOUT)
    except OSError:
        return


@contextmanager
def try_lock(folder: Path) -> Iterator[bool]:
    """Whether this process is now the folder's only writer. The kernel lets go when a process dies.

    Raises ``UserError`` when the folder cannot be written.
    """
    path = folder / LOCK
    try:
        lock = path.open("a", encoding="utf-8")
    except FileNotFoundError:
        yield False
        return
    except OSError as error:
        raise unwritable(folder, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError as error:
            raise unwritable(folder, error) from error
        # The folder may have been pruned between open and lock: then this holds a file that nobody sees.
        yield path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino


def unwritable(folder: Path, error: OSError) -> UserError:
    """What is said when the cache is read-only or its disk is full."""
    message = f"the feature cache cannot be written: {error.strerror}"
    allowed = "a folder that you may write to, named by NEMESIS_SWEEP_CACHE"
    if error.errno in FULL:
        allowed = "room on that disk, or a folder on another one, named by NEMESIS_SWEEP_CACHE"
    return UserError(Problem(message, found=str(folder), allowed=allowed))
