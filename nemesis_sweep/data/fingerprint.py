"""Identity of a dataset's lists: what is in which split under which label, wherever the files lie."""

import hashlib
from collections.abc import Iterable, Sequence

from nemesis_sweep.data.dataset import SPLITS, Dataset, Item
from nemesis_sweep.data.files import FileItems, labels_of


def fingerprint(dataset: Dataset) -> str:
    """sha256 of the class names and of every split's labels and images in order, 64 hex digits.

    An image in a file counts by its path below the dataset's folder, so that it need not be read; one that is
    held in memory counts by its content.
    """
    digest = hashlib.sha256("\0".join(dataset.classnames).encode())
    for split in SPLITS:
        items = dataset.splits[split]
        digest.update(f"\n{split} {len(items)}\n".encode())
        for label, name in zip(labels_of(items), _names(dataset, items), strict=True):
            digest.update(f"{label}\0{name}\n".encode(errors="surrogatepass"))
    return digest.hexdigest()


def _names(dataset: Dataset, items: Sequence[Item]) -> Iterable[str]:
    if not isinstance(items, FileItems):
        return (dataset.local(item) if item.content is None else item.key for item in items)
    # The same as `local`, without an item for each of a million files.
    below = dataset.folder is not None and items.folder.is_relative_to(dataset.folder)
    prefix = (
        items.folder.relative_to(dataset.folder).as_posix() if below and dataset.folder else str(items.folder)
    )
    return items.files if prefix == "." else (f"{prefix}/{file}" for file in items.files)
