"""What a dataset is to the rest of the package: class names and three lists of labelled images."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nemesis_sweep.files.regular_file import read_regular, status_of
from nemesis_sweep.messages.counting import counted

SPLITS = ("train", "val", "test")
MAX_BYTES = 1 << 29
"""The largest image file that is read: as much as PIL's largest image takes uncompressed."""
DEFAULT_TEMPLATE = "a photo of a {}."


@dataclass(frozen=True)
class Item:
    """One labelled image: its encoded bytes, the file that holds them, or a function that gives them."""

    label: int
    source: str
    content: bytes | None = None
    path: Path | None = None
    opener: Callable[[], bytes] | None = None

    def read(self) -> bytes:
        """The encoded image (PNG, JPEG, WebP, ...). Raises ``OSError`` for what is no file, or too large."""
        if self.content is not None:
            return self.content
        if self.path is not None:
            return read_regular(self.path, MAX_BYTES)
        if self.opener is not None:
            return self.opener()
        raise ValueError(f"{self.source}: an item needs content, a path or an opener")

    @cached_property
    def key(self) -> str:
        """Identity of the picture for the feature cache, 64 hex digits.

        The content's hash; for a file the hash of its path, size and time of change, so that a
        large dataset is not read through again only to find that nothing changed.
        """
        if self.path is None or self.content is not None:
            return hashlib.sha256(self.read()).hexdigest()
        stat = status_of(self.path)
        identity = f"{self.path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}"
        return hashlib.sha256(os.fsencode(identity)).hexdigest()


@dataclass(frozen=True)
class Dataset:
    """Class names, the zero-shot template, and the items of each split in their published order.

    split: which division into train, val and test this is, for the record. folder: where the files are,
    None for items that hold their images. notes: what a person should know of the data, such as files that
    are left out.
    """

    name: str
    classnames: tuple[str, ...]
    template: str
    splits: Mapping[str, Sequence[Item]]
    split: str = ""
    folder: Path | None = None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """One line, without the items."""
        sizes = ", ".join(f"{len(self.splits[name])} {name}" for name in SPLITS if name in self.splits)
        return f"Dataset({self.name}, {counted(len(self.classnames), 'class', 'classes')}, {sizes})"

    @property
    def train(self) -> Sequence[Item]:
        return self.splits["train"]

    @property
    def val(self) -> Sequence[Item]:
        return self.splits["val"]

    @property
    def test(self) -> Sequence[Item]:
        return self.splits["test"]

    def zero_shot_texts(self) -> list[str]:
        """One text a class: the template with the class name in it, ``_`` read as a space."""
        return self.texts(self.template)

    def texts(self, template: str) -> list[str]:
        """One text a class, the name in place of ``{}``."""
        return [template.replace("{}", name.replace("_", " ")) for name in self.classnames]

    def local(self, item: Item) -> str:
        """What the item is called in records: its path below the dataset's folder, or its source."""
        if item.path is None or self.folder is None or not item.path.is_relative_to(self.folder):
            return item.source
        return item.path.relative_to(self.folder).as_posix()
