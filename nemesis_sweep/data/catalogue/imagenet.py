"""ImageNet: 1000 classes; the validation images serve as test, as in CoOp."""

from pathlib import Path

from nemesis_sweep.data.catalogue.entry import Entry, Layout, Listing
from nemesis_sweep.data.catalogue.imagenet_names import IMAGENET, name_of, names_by_folder
from nemesis_sweep.data.catalogue.listing import class_folders, labelled_images


def _read(images: str) -> Layout:
    """A layout with `train` and `val` in the folder ``images``. Labels are the places of the sorted ids."""

    def read(folder: Path) -> Listing:
        place = folder / images
        ids = class_folders(place / "train")
        names = names_by_folder(folder)
        return Listing(
            [name_of(names, each, place / "train") for each in ids],
            {
                "train": labelled_images(place / "train", ids, "train/"),
                "test": labelled_images(place / "val", ids, "val/"),
            },
            place,
        )

    below = "" if images == "." else f"{images}/"
    return Layout(
        "sorted listing; ImageNet's validation images are the test",
        IMAGENET,
        (f"{below}train", f"{below}val"),
        read,
    )


ENTRY = Entry(
    name="imagenet",
    title="ImageNet",
    classes=1000,
    images=(1281167, 0, 50000),
    layouts=(_read("images"), _read(".")),
)
