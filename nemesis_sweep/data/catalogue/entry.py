"""What the catalogue says of a dataset, where its files may lie, and how it is opened."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nemesis_sweep.data.classnames import is_name
from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE, SPLITS, Dataset
from nemesis_sweep.files.regular_file import is_there
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed

Rows = Sequence[tuple[str, int]]
"""Image files, as paths below a folder, and their labels."""


@dataclass(frozen=True)
class Listing:
    """Class names by label, and the image files of each split below ``images``."""

    classnames: Sequence[str]
    splits: Mapping[str, Rows]
    images: Path


@dataclass(frozen=True)
class Layout:
    """One way in which a dataset may lie on disk.

    split: the division that it gives, for the record. folder: its place below the data root.
    needs: files and folders in it that must be there. read: lists it, given the folder.
    """

    split: str
    folder: str
    needs: tuple[str, ...]
    read: Callable[[Path], Listing]

    def missing(self, root: Path) -> list[str]:
        """What is not there, as paths below the data root."""
        return [f"{self.folder}/{need}" for need in self.needs if not is_there(root / self.folder / need)]


@dataclass(frozen=True)
class Entry:
    """A dataset of the catalogue.

    title: its name in the paper. classes and images (train, val, test): the published counts; those of the
    first layout. layouts: the first that is on disk is taken. torchvision: the class that can download it.
    """

    name: str
    title: str
    classes: int
    images: tuple[int, int, int]
    layouts: tuple[Layout, ...]
    template: str = DEFAULT_TEMPLATE
    torchvision: str = ""

    def find(self, root: Path) -> Layout | None:
        """The layout that is on disk; None when there is none. Nothing is read."""
        return next((layout for layout in self.layouts if not layout.missing(root)), None)

    def load(self, root: Path) -> Dataset:
        """List the dataset below a data root; images are not opened.

        Raises ``UserError`` with the expected layouts when none is there, or with what is wrong in a list.
        """
        from nemesis_sweep.data.files import FileItems

        layout = self.find(root)
        if layout is None:
            raise self.absent(root)
        listing = layout.read(root / layout.folder)
        for name in listing.classnames:
            if not is_name(name):
                found, allowed = ascii(name), "a text that can be printed"
                raise UserError(
                    Problem("a class name that is none", "", str(root / layout.folder), None, found, allowed)
                )
        return Dataset(
            name=self.name,
            classnames=tuple(listing.classnames),
            template=self.template,
            splits={split: FileItems(listing.images, listing.splits.get(split, ())) for split in SPLITS},
            split=layout.split,
            folder=root / layout.folder,
            notes=tuple(_without_images(listing)),
        )

    def absent(self, root: Path) -> UserError:
        """What is said when no layout is complete."""
        fetch = f" (`nemesis-sweep datasets fetch {self.name} --root {root}` downloads one)"
        ways = f"one of these below it{fetch if self.torchvision else ''}:"
        message = f"{self.title} is not there"
        return UserError(
            Problem(message, "tasks.root", found=str(root), allowed=ways, below=self.expected(root))
        )

    def expected(self, root: Path) -> tuple[str, ...]:
        """The layouts, with a mark at what is missing, one line each file or folder."""
        lines = []
        for layout in self.layouts:
            absent = layout.missing(root)
            lines.append(f"  {layout.split}:")
            for need in layout.needs:
                path = f"{layout.folder}/{need}"
                lines.append(f"    {path}" + ("  (missing)" if path in absent else ""))
        return tuple(lines)


def _without_images(listing: Listing) -> Iterator[str]:
    """A line on classes that no split has an image of."""
    given = {label for rows in listing.splits.values() for _, label in rows}
    lost = [repr(name) for label, name in enumerate(listing.classnames) if label not in given]
    if lost:
        yield f"{counted(len(lost), 'class', 'classes')} without images: {listed(lost)}"
