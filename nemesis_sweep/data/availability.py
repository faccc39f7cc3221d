"""What is on disk of a dataset, beside what is published of it. No image is opened."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nemesis_sweep.data.catalogue import CATALOGUE
from nemesis_sweep.data.dataset import SPLITS, Dataset
from nemesis_sweep.data.files import labels_of
from nemesis_sweep.data.fingerprint import fingerprint
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.vlm.configuration import DEFAULT_LENGTH
from nemesis_sweep.vlm.text_length import bound, clip_tokens

USUAL = 16
"""Context vectors that are published, and usually trained."""
SHOWN = 40
"""Characters of a long class name that are shown."""


@dataclass(frozen=True)
class Availability:
    """A dataset, and the published numbers of classes and images where its split is the published one."""

    dataset: Dataset
    classes: int | None = None
    images: tuple[int, int, int] | None = None

    @property
    def counts(self) -> tuple[int, ...]:
        """Images of train, val and test."""
        return tuple(len(self.dataset.splits[split]) for split in SPLITS)

    @property
    def differs(self) -> bool:
        """Whether there is less or more than is published; a class folder too many shifts all labels."""
        if self.images is None:
            return False
        return self.counts != self.images or len(self.dataset.classnames) != self.classes

    def fewest(self) -> tuple[int, str] | None:
        """The smallest class of train: its images and its name; None without training images."""
        if not len(self.dataset.train):
            return None
        counts = Counter(labels_of(self.dataset.train))
        label = min(range(len(self.dataset.classnames)), key=lambda each: counts[each])
        return counts[label], self.dataset.classnames[label]

    def facts(self) -> dict[str, Any]:
        """All of it as plain values."""
        fewest = self.fewest()
        return {
            "name": self.dataset.name,
            "split": self.dataset.split,
            "folder": str(self.dataset.folder or ""),
            "fingerprint": fingerprint(self.dataset),
            "classes": len(self.dataset.classnames),
            "images": dict(zip(SPLITS, self.counts, strict=True)),
            "published": self.images
            and {"classes": self.classes, **dict(zip(SPLITS, self.images, strict=True))},
            "notes": list(self.dataset.notes),
            "fewest_in_a_class": fewest and {"class": fewest[1], "train": fewest[0]},
        }

    def lines(self) -> Iterator[str]:
        """The same for people."""
        yield f"{self.dataset.name}: {self.dataset.split}"
        if self.dataset.folder is not None:
            yield f"folder: {self.dataset.folder}"
        yield f"classes: {_beside(len(self.dataset.classnames), self.classes)}"
        for split, count, published in zip(SPLITS, self.counts, self.images or (None,) * 3, strict=True):
            yield f"{split}: {_beside(count, published)}"
        fewest = self.fewest()
        if fewest is not None:
            yield f"fewest training images in a class: {fewest[0]} ({fewest[1]})"
        for note in self.dataset.notes:
            yield f"note: {note}"
        longest = longest_name(self.dataset)
        if longest is not None:
            yield longest


def longest_name(dataset: Dataset) -> str | None:
    """What to say of class names that leave less room for context vectors in a text of CLIP than is usual."""
    texts = dataset.texts("{}.")
    if all(bound(text) + USUAL <= DEFAULT_LENGTH for text in texts):
        return None
    tokens, name = max(zip(map(clip_tokens, texts), dataset.classnames, strict=True))
    room = DEFAULT_LENGTH - tokens
    if room >= USUAL:
        return None
    left = f"room for {counted(room, 'context vector')}" if room > 0 else "no room for context vectors"
    shown = name if len(name) <= SHOWN else f"{name[:SHOWN]}..."
    return f"longest class name: {tokens} of CLIP's {DEFAULT_LENGTH} tokens, {left} beside it ({shown})"


def _beside(count: int, published: int | None) -> str:
    if published is None:
        return str(count)
    if count < published:
        return f"{count} of {published}"
    return f"{count} (published: {published})" if count == published else f"{count} instead of {published}"


def availability(name: str, root: str | Path | None = None) -> Availability:
    """Load a dataset and put it beside what is published. Raises ``UserError`` as ``load_dataset`` does."""
    dataset = load_dataset(name, root)
    entry = CATALOGUE.get(name)
    if entry is None or dataset.split != entry.layouts[0].split:
        return Availability(dataset)
    return Availability(dataset, entry.classes, entry.images)
