"""SUN397: 397 scenes."""

from pathlib import Path

from nemesis_sweep.data.catalogue.entry import Entry, Layout, Listing
from nemesis_sweep.data.catalogue.listing import images_in, label_in, lines_of
from nemesis_sweep.data.catalogue.split_file import split_file_layouts
from nemesis_sweep.data.classnames import clean
from nemesis_sweep.data.division import THREE_WAYS, VAL_FROM_TRAIN, divide, part_val_from

PARTITION = ("ClassName.txt", "Training_01.txt", "Testing_01.txt")


def scene(path: str) -> str:
    """``/a/athletic_field/outdoor`` as ``outdoor athletic field``, as CoOp names it."""
    return clean(" ".join(reversed(path.strip("/").split("/")[1:])))


def _partition(folder: Path) -> Listing:
    """The first official partition; a line is `/a/abbey/sun_x.jpg`."""
    names = [line.strip("/") for line in lines_of(folder / "ClassName.txt")]
    labels = {name: label for label, name in enumerate(names)}

    def rows(file: str) -> list[tuple[str, int]]:
        images = [line.strip("/") for line in lines_of(folder / file)]
        return [(image, label_in(labels, image.rpartition("/")[0], folder / file)) for image in images]

    train, val = part_val_from(rows("Training_01.txt"))
    splits = {"train": train, "val": val, "test": rows("Testing_01.txt")}
    return Listing([scene(name) for name in names], splits, folder / "SUN397")


def _undivided(folder: Path) -> Listing:
    """What torchvision downloads: images and class names, no partition."""
    names = [line.strip("/") for line in lines_of(folder / "ClassName.txt")]
    rows = [
        (f"{name}/{file}", label) for label, name in enumerate(names) for file in images_in(folder / name)
    ]
    return Listing([scene(name) for name in names], divide(rows), folder)


ENTRY = Entry(
    name="sun397",
    title="SUN397",
    classes=397,
    images=(15880, 3970, 19850),
    layouts=(
        *split_file_layouts("split_zhou_SUN397.json", ("sun397", "SUN397"), ("SUN397", ".")),
        Layout(f"official partition 01; {VAL_FROM_TRAIN}", "sun397", ("SUN397", *PARTITION), _partition),
        Layout(THREE_WAYS, "SUN397", ("ClassName.txt",), _undivided),
    ),
    torchvision="SUN397",
)
