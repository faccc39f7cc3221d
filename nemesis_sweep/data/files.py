"""Labelled image files below one folder, small in memory: ImageNet has 1.28 million of them."""

from abc import abstractmethod
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

from nemesis_sweep.data.dataset import Item


class LazyItems(Sequence[Item]):
    """A sequence that makes an item when it is asked for one."""

    @abstractmethod
    def item(self, place: int) -> Item:
        """The item at a place."""

    @overload
    def __getitem__(self, place: int) -> Item: ...

    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...

    def __getitem__(self, place: int | slice) -> Item | list[Item]:
        if isinstance(place, slice):
            return [self.item(number) for number in range(*place.indices(len(self)))]
        return self.item(place)


class FileItems(LazyItems):
    """Items of files below a folder, of which only paths and labels are kept."""

    def __init__(self, folder: Path, rows: Iterable[tuple[str, int]]) -> None:
        self.folder = folder
        self.labels = array("i")
        self.files: list[str] = []
        for file, label in rows:
            self.files.append(file)
            self.labels.append(label)

    def __len__(self) -> int:
        return len(self.files)

    def item(self, place: int) -> Item:
        path = self.folder / self.files[place]
        return Item(self.labels[place], str(path), path=path)


def labels_of(items: Sequence[Item]) -> Sequence[int]:
    """The labels in order, without making an item for each file."""
    return items.labels if isinstance(items, FileItems) else [item.label for item in items]
