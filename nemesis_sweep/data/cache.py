"""The feature cache as a whole: what is in it, whether it is in order, making it smaller. Needs no torch."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nemesis_sweep.data.folder import ABOUT, FORMAT, LOCK, About, read_about, try_lock
from nemesis_sweep.data.shards import LEFTOVERS, PATTERN, BrokenShardError, open_shard, read_shard
from nemesis_sweep.messages.errors import Problem, UserError

DAY = 86400.0


@dataclass(frozen=True)
class Folder:
    """One feature store on disk. last_use: seconds since 1970."""

    path: Path
    about: About
    last_use: float

    @property
    def shards(self) -> list[Path]:
        return sorted(self.path.glob(PATTERN))

    @property
    def bytes(self) -> int:
        """Size of everything that pruning would remove."""
        return sum(path.stat().st_size for path in self.own_files())

    def pictures(self) -> int:
        """Number of pictures with features; broken shards count as empty."""
        keys: set[bytes] = set()
        for path in self.shards:
            try:
                keys.update(open_shard(path, self.about.identity).keys)
            except BrokenShardError:
                continue
        return len(keys)

    def own_files(self) -> list[Path]:
        """The store's files, those that killed writers left too, and no others; the lock comes last."""
        rest = [path for name in (ABOUT, LOCK) if (path := self.path / name).is_file()]
        return [*self.shards, *sorted(self.path.glob(LEFTOVERS)), *rest]


@dataclass(frozen=True)
class Freed:
    """What pruning a folder did. busy: a process is writing there, nothing was removed."""

    folder: Folder
    files: int = 0
    bytes: int = 0
    busy: bool = False


def folders(root: Path) -> list[Folder]:
    """The feature stores below a folder, the one used last first. Other folders are left out.

    Raises ``UserError`` for a folder that cannot be listed.
    """
    found = []
    for path in _inside(root):
        about = read_about(path)
        if about is not None:
            found.append(Folder(path, about, (path / ABOUT).stat().st_mtime))
    return sorted(found, key=lambda folder: folder.last_use, reverse=True)


def _inside(root: Path) -> list[Path]:
    """What is in a folder, sorted; nothing where there is none. Raises ``UserError``."""
    try:
        return sorted(root.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        message = f"the feature cache cannot be read: {error.strerror}"
        allowed = "a folder that you may read and write, named by NEMESIS_SWEEP_CACHE"
        raise UserError(Problem(message, found=str(root), allowed=allowed)) from error


def encoded_keys(root: Path) -> set[bytes]:
    """Keys of all pictures that have features under any encoder: they could be read. 32 bytes each.

    Features that an earlier release made do not count: it read kinds of files that this one does not.
    """
    keys: set[bytes] = set()
    for folder in folders(root):
        for path in folder.shards if folder.about.format == FORMAT else ():
            with suppress(BrokenShardError):
                keys.update(open_shard(path, folder.about.identity).keys)
    return keys


def unnamed(root: Path) -> list[Path]:
    """Folders with shards whose record is missing or broken; a store repairs it when it is used again."""
    return [path for path in _inside(root) if read_about(path) is None and any(path.glob(PATTERN))]


def chosen(found: list[Folder], backbone: str | None, older_than: float | None) -> list[Folder]:
    """The folders of a backbone that were not used in the last ``older_than`` days; None chooses all."""
    before = time.time() - (older_than or 0) * DAY
    return [
        folder
        for folder in found
        if (backbone is None or folder.about.backbone == backbone)
        and (older_than is None or folder.last_use < before)
    ]


def broken_files(folder: Folder) -> list[tuple[Path, str]]:
    """Arrow files in a folder that are not whole shards of it, and why."""
    bad = []
    for path in sorted(folder.path.glob("*.arrow")):
        try:
            read_shard(path, folder.about.identity)
        except BrokenShardError as error:
            bad.append((path, str(error).removeprefix(f"{path}: ")))
    return bad


def remove_broken(folder: Folder) -> list[Path] | None:
    """Remove the broken files of a folder and give them; None when a process is writing there."""
    with try_lock(folder.path) as mine:
        if not mine:
            return None
        removed = [path for path, _ in broken_files(folder)]
        for path in removed:
            path.unlink(missing_ok=True)
        return removed


def remove_leftovers(root: Path) -> None:
    """Remove what killed writers left in the stores in which nobody is writing now.

    Those of others stay, in stores where we may not write.
    """
    for folder in folders(root):
        if not any(folder.path.glob(LEFTOVERS)):
            continue
        with suppress(UserError, OSError), try_lock(folder.path) as mine:
            for path in sorted(folder.path.glob(LEFTOVERS)) if mine else ():
                path.unlink(missing_ok=True)


def prune(folder: Folder) -> Freed:
    """Remove a store's files, and its folder unless something else is in it.

    Readers keep what they have mapped; a store that is encoding holds the lock and is left alone.
    """
    with try_lock(folder.path) as mine:
        if not mine:
            return Freed(folder, busy=True)
        files = folder.own_files()
        freed = 0
        for path in files:
            freed += path.stat().st_size
            path.unlink()
        with suppress(OSError):  # Something else is in it.
            folder.path.rmdir()
        return Freed(folder, len(files), freed)
