"""What a dataset is to the rest of the package: class names and three lists of labelled images."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Item:
    """One labelled image: its encoded bytes, or the file that holds them."""

    label: int
    source: str
    content: bytes | None = None
    path: Path | None = None

    def read(self) -> bytes:
        """The encoded image (PNG, JPEG, WebP, ...)."""
        if self.content is not None:
            return self.content
        if self.path is None:
            raise ValueError(f"{self.source}: an item needs content or a path")
        return self.path.read_bytes()

    @cached_property
    def key(self) -> str:
        """Identity of the picture for the feature cache, 64 hex digits.

        The content's hash; for a file the hash of its path, size and time of change, so that a
        large dataset is not read through again only to find that nothing changed.
        """
        if self.content is not None:
            return hashlib.sha256(self.content).hexdigest()
        if self.path is None:
            raise ValueError(f"{self.source}: an item needs content or a path")
        stat = self.path.stat()
        identity = f"{self.path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}"
        return hashlib.sha256(identity.encode()).hexdigest()


@dataclass(frozen=True)
class Dataset:
    """Class names, the zero-shot template, and the items of each split in their published order."""

    name: str
    classnames: tuple[str, ...]
    template: str
    splits: Mapping[str, Sequence[Item]]

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
        return [self.template.format(name.replace("_", " ")) for name in self.classnames]
