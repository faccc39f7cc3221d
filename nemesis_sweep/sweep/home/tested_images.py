"""Which images a sweep tested on: `test_sets/NAME.parquet` in its home, one for each test set, named by what
is in it. Whoever reads of mistakes finds class names, true labels and images there, without torch."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.files import FileItems, labels_of
from nemesis_sweep.data.registry import EMBEDDED, load_dataset, own_data
from nemesis_sweep.files.parquet import numbers, read_table, write_table
from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.tasks import slug

if TYPE_CHECKING:
    from PIL.Image import Image

FOLDER = "test_sets"
ABOUT = b"nemesis_sweep.test_set"
LARGEST = 1 << 29
"""Bytes of a dataset of one's own that holds its images in tables: of a larger one no image is shown."""


@dataclass(frozen=True, eq=False)
class TestedImages:
    """The test images of a dataset in the order in which they are tested.

    dataset, root: the dataset as a sweep file names it, its data root. classnames: of the labels ``(n,)``.
    files: what the images are called, paths below ``folder``; or, where ``held``, what they are called within
    a dataset that holds them.
    """

    dataset: str
    root: str | None
    classnames: tuple[str, ...]
    labels: np.ndarray
    files: tuple[str, ...]
    folder: str
    held: bool

    __test__ = False  # It begins as a test does.

    @classmethod
    def of(cls, dataset: Dataset, name: str, root: str | None) -> TestedImages:
        """The test split of a dataset. name, root: what ``load_dataset`` finds it by."""
        items, classnames = dataset.test, tuple(dataset.classnames)
        labels = np.array(labels_of(items), dtype=np.min_scalar_type(len(classnames) - 1))
        if isinstance(items, FileItems):  # Without a path for each of fifty thousand.
            return cls(name, root, classnames, labels, tuple(items.files), str(items.folder), held=False)
        held = any(item.path is None or item.content is not None for item in items)
        files = tuple(item.source if held else dataset.local(item) for item in items)
        return cls(name, root, classnames, labels, files, str(dataset.folder or ""), held)

    @cached_property
    def name(self) -> str:
        """The same for the same images, wherever they lie."""
        facts = json.dumps([self.dataset, self.classnames, self.labels.tolist(), self.files])
        return f"{slug(self.dataset)}-{hashlib.sha256(facts.encode()).hexdigest()[:16]}"

    def image(self, place: int) -> Image | None:
        """An image as a person sees it; None where it is gone, cannot be read or cannot be reached."""
        from nemesis_sweep.data.decoding.images import UnusableError, read_image

        file = self.files[place]
        if not self.held:
            item = Item(0, file, path=Path(self.folder) / file)
        else:
            classname, content = self._contents.get(file, ("", b""))
            # The dataset may be another one by now.
            if classname != self.classnames[self.labels[place]]:
                return None
            item = Item(0, file, content=content)
        try:
            return read_image(item)[1]
        except UnusableError:
            return None

    @cached_property
    def _contents(self) -> dict[str, tuple[str, bytes]]:
        """Class name and content of each test image that a dataset holds, by what it alone is called."""
        if self.dataset not in EMBEDDED and not _is_small(own_data(self.dataset, self.root)):
            return {}
        try:
            dataset = load_dataset(self.dataset, self.root)
        except (UserError, OSError):
            return {}
        alike = Counter(item.source for item in dataset.test)
        return {
            item.source: (dataset.classnames[item.label], item.content)
            for item in dataset.test
            if item.content is not None and alike[item.source] == 1
        }

    @property
    def _about(self) -> dict[str, Any]:
        names = ("dataset", "root", "folder", "held")
        return {**{name: getattr(self, name) for name in names}, "classnames": list(self.classnames)}


def record_tested(home: Path, images: TestedImages) -> str:
    """Write a test set into a home that has not got it, or not whole; gives its name."""
    path = _path(home, images.name)
    try:
        if _about(read_table(path)) == images._about:
            return images.name
    except DamagedError:
        path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        "label": pa.array(images.labels),
        # Names of files need not be UTF-8.
        "file": pa.array([file.encode(errors="surrogatepass") for file in images.files], pa.binary()),
    }
    about = {ABOUT: json.dumps(images._about).encode()}
    write_table(path, pa.table(columns).replace_schema_metadata(about))
    return images.name


def read_tested(home: Path, name: str) -> TestedImages:
    """The test set of that name in a home. Raises ``DamagedError``."""
    path = _path(home, name)
    table = read_table(path)
    try:
        about = _about(table)
        files = tuple(file.decode(errors="surrogatepass") for file in table["file"].to_pylist())
        images = TestedImages(
            classnames=tuple(about.pop("classnames")),
            labels=numbers(table["label"].combine_chunks()),
            files=files,
            **about,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedError(path, f"is no test set ({error})") from error
    if images.name != name:
        raise DamagedError(path, "is another test set than its name says")
    return images


def _about(table: pa.Table) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((table.schema.metadata or {}).get(ABOUT, b"{}"))
    return found


def _path(home: Path, name: str) -> Path:
    return home / FOLDER / f"{name}.parquet"


def _is_small(path: Path | None) -> bool:
    """Whether all files of a dataset of one's own can be taken into memory for a few of its images."""
    if path is None:
        return False
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) <= LARGEST
