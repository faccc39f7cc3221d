"""Labelled image files below one folder, small in memory: ImageNet has 1.28 million of them."""

from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

from nemesis_sweep.data.dataset import Item


class FileItems(Sequence[Item]):
    """A sequence that makes an item when it is asked for one, and keeps paths and labels only."""

    def __init__(self, folder: Path, rows: Iterable[tuple[str, int]]) -> None:
        self.folder = folder
        self.labels = array("i")
        self.files: list[str] = []
        for file, label in rows:
            self.files.append(file)
            self.labels.append(label)

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, place: int) -> Item: ...

    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...

    def __getitem__(self, place: int | slice) -> Item | list[Item]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        path = self.folder / self.files[place]
        return Item(self.labels[place], str(path), path=path)


def labels_of(items: Sequence[Item]) -> Sequence[int]:
    """The labels in order, without making an item for each file."""
    return items.labels if isinstance(items, FileItems) else [item.label for item in items]
