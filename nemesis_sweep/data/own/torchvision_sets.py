"""Any classification dataset of torchvision by its name, as it lies on disk; nothing is downloaded."""

import inspect
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from nemesis_sweep.data.classnames import clean
from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE, Dataset, Item
from nemesis_sweep.data.decoding.images import never_drawings
from nemesis_sweep.data.division import VAL_FROM_TRAIN, part_val_from
from nemesis_sweep.data.files import LazyItems
from nemesis_sweep.data.own.class_names import alike, numbers
from nemesis_sweep.data.own.torchvision_names import PREFIX
from nemesis_sweep.messages.errors import Problem, UserError

SPLIT_NAMES = {"train": ("train", "trainval"), "val": ("val", "valid"), "test": ("test",)}


class TorchvisionItems(LazyItems):
    """Some of a torchvision dataset's images: they come decoded and go on as PNG, which loses nothing."""

    def __init__(self, data: Any, source: str, rows: Sequence[tuple[int, int]]) -> None:
        self._data, self._source, self._rows = data, source, rows

    def __len__(self) -> int:
        return len(self._rows)

    def item(self, place: int) -> Item:
        number, label = self._rows[place]
        return Item(label, f"{self._source}:{number}", opener=partial(_png, self._data, number))


def read_torchvision(name: str, root: Path) -> Dataset:
    """Train, val and test of `torchvision:NAME`; val is part of train where torchvision has none.

    Raises ``UserError`` when it is not on disk, or when it is not a set of images with one class each.
    """
    import torchvision.datasets

    never_drawings()
    made = getattr(torchvision.datasets, name.removeprefix(PREFIX))
    parts = {split: _open(made, name, root, split) for split in SPLIT_NAMES}
    if parts["train"] is None or parts["test"] is None:
        raise UserError(
            Problem(
                "torchvision has no train and test split of this dataset", found=name, allowed=_advice(root)
            )
        )
    classnames = _classnames(parts["train"], name)
    rows = {split: _rows(data, name) for split, data in parts.items() if data is not None}
    source = {split: split for split in rows}
    if "val" not in rows:
        rows["train"], rows["val"] = part_val_from(rows["train"])
        source["val"] = "train"
    return Dataset(
        name=name,
        classnames=tuple(classnames),
        template=DEFAULT_TEMPLATE,
        splits={
            split: TorchvisionItems(parts[source[split]], f"{name}:{source[split]}", rows[split])
            for split in SPLIT_NAMES
        },
        split="torchvision's" + ("" if parts["val"] is not None else f"; {VAL_FROM_TRAIN}"),
        notes=(*alike(classnames), *numbers(classnames)),
    )


def download(name: str, root: Path) -> None:
    """Download what torchvision calls ``name``.

    Raises ``UserError`` when torchvision has no download for it, or when it fails.
    """
    import torchvision.datasets

    made = getattr(torchvision.datasets, name)
    if "download" not in inspect.signature(made).parameters:
        raise UserError(Problem("torchvision cannot download this dataset", found=name))
    try:
        for split in ("train", "test"):
            _first(made, root, _choices(made, split) or [{}], download=True)
    except (RuntimeError, OSError, ImportError) as error:
        message = f"the download failed: {_line(error)}"
        raise UserError(Problem(message, found=f"torchvision's {name}, below {root}")) from error


def _choices(made: Any, split: str) -> list[dict[str, Any]]:
    """The arguments that may stand for a split, which torchvision's classes name differently."""
    parameters = inspect.signature(made).parameters
    if "train" in parameters:
        return [] if split == "val" else [{"train": split == "train"}]
    return [{"split": each} for each in SPLIT_NAMES[split]] if "split" in parameters else []


def _first(made: Any, root: Path, choices: Sequence[dict[str, Any]], **more: Any) -> Any:
    """The dataset with the first of the choices that it knows; None when it knows none."""
    for choice in choices:
        try:
            return made(str(root), **choice, **more)
        except ValueError:  # Not a split that it knows.
            continue
    return None


def _open(made: Any, name: str, root: Path, split: str) -> Any:
    """One split of the dataset; None when torchvision does not know it."""
    try:
        return _first(made, root, _choices(made, split))
    except (RuntimeError, OSError) as error:
        message = f"torchvision cannot open this dataset: {_line(error)}"
        raise UserError(Problem(message, found=name, allowed=_advice(root))) from error


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _advice(root: Path) -> str:
    return f"a torchvision dataset that is below {root}"


def _classnames(data: Any, name: str) -> list[str]:
    classes = getattr(data, "classes", None)
    if not classes:
        raise UserError(Problem("torchvision gives no class names for this dataset", found=name))
    # Some classes have several names, the first is the usual one.
    return [clean(each if isinstance(each, str) else each[0]) for each in classes]


def _rows(data: Any, name: str) -> list[tuple[int, int]]:
    """Number and label of every image; labels are read without the images where torchvision keeps them."""
    for attribute in ("targets", "labels", "_labels"):
        labels = getattr(data, attribute, None)
        if labels is not None and len(labels) == len(data):
            break
    else:
        labels = [data[number][1] for number in range(len(data))]
    try:
        return [(number, int(label)) for number, label in enumerate(labels)]
    except (TypeError, ValueError) as error:
        raise UserError(Problem("this dataset does not give one class for each image", found=name)) from error


def _png(data: Any, number: int) -> bytes:
    buffer = io.BytesIO()
    data[number][0].save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
