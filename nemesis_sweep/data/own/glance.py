"""A short look at data of the user's own: names and numbers, within half a second, and no image is opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nemesis_sweep.data.dataset import SPLITS
from nemesis_sweep.data.own.class_folders import Folders, check, notes
from nemesis_sweep.data.own.class_names import FOLDERS, alike, called, check_names
from nemesis_sweep.data.own.path import kind_of, read_path
from nemesis_sweep.data.own.rows import SPLIT_WORDS
from nemesis_sweep.messages.counting import counted

FILES = 20_000
"""Files of class folders that are looked at; a disk gives a million names a second, a network fewer."""

ROWS = 50_000
CSV_BYTES = 4_000_000
"""Tables that are read: larger ones take too long for a short look."""


@dataclass(frozen=True)
class Glance:
    """What was seen.

    counts: classes and images, in words; '' where they were not counted. notes: what there is to say.
    classnames: those that were seen. to_learn: whether there are images to learn from, or may be.
    """

    counts: str
    notes: Sequence[str]
    classnames: tuple[str, ...] = ()
    to_learn: bool = True


def glance(name: str, path: Path) -> Glance:
    """Look at the data at a path. Raises ``UserError`` for what a run would refuse, as far as was looked."""
    kind = kind_of(path, FILES)
    if isinstance(kind, Folders):
        return _folders(kind)
    if too_large := _too_large(kind, path):
        return Glance("", [f"not looked at, for {too_large}; `datasets check` reads it"])
    dataset = read_path(name, path, images=False)
    counts = _counts(len(dataset.classnames), sum(len(dataset.splits[split]) for split in SPLITS))
    return Glance(counts, dataset.notes, dataset.classnames, len(dataset.train) > 0)


def _folders(folders: Folders) -> Glance:
    check(folders)
    told = list(notes(folders))
    names: list[str] = []
    if folders.names:
        names, more = called(folders.names, folders.folder, {})
        check_names(folders.names, names, FOLDERS, folders.folder)
        told += [*more, *alike(names)]
    if folders.unseen:
        told.append(f"only the first {FILES} files were looked at; `datasets check` looks at all")
        return Glance("", told, tuple(names))
    splits = {SPLIT_WORDS.get(part.place.lower(), "train") for part in folders.parts if part.found.images}
    return Glance(_counts(len(folders.names), folders.images), told, tuple(names), "train" in splits)


def _counts(classes: int, images: int) -> str:
    return f"{counted(classes, 'class', 'classes')}, {counted(images, 'image')}"


def _too_large(kind: str, path: Path) -> str:
    """Why a table is not read for a short look; '' for one that is."""
    if kind == "table of paths":
        size = path.stat().st_size
        return f"it has {size // 1_000_000} MB" if size > CSV_BYTES else ""
    if kind == "parquet":
        from nemesis_sweep.data.own.parquet import rows_in

        rows = rows_in(path)
        return f"it has {rows} rows" if rows > ROWS else ""
    from nemesis_sweep.data.own.huggingface import rows_in as rows_saved

    rows = rows_saved(path)
    return f"it has {rows} rows" if rows > ROWS else ""
