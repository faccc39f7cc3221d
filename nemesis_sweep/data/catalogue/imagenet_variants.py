"""The four sets that test what was learnt on ImageNet elsewhere: V2, Sketch, A(dversarial), R(endition)."""

from pathlib import Path

from nemesis_sweep.data.catalogue.entry import Entry, Layout, Listing
from nemesis_sweep.data.catalogue.imagenet_names import name_of, names_by_folder
from nemesis_sweep.data.catalogue.listing import class_folders, labelled_images
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError

V2_IMAGES = "imagenetv2-matched-frequency-format-val"


def _v2(folder: Path) -> Listing:
    """Folders named by label, `0` to `999`: in the order of numbers, which is not that of names."""
    place = folder / V2_IMAGES
    found = class_folders(place)
    wrong = [name for name in found if not name.isdigit()]
    if wrong:
        raise UserError(Problem("a class folder that is not a label", file=str(place / wrong[0])))
    names = list(names_by_folder(folder).values())
    numbers = sorted(found, key=int)
    if [int(number) for number in numbers] != list(range(len(names))):
        raise UserError(
            Problem(
                "class folders and class names do not agree",
                file=str(place),
                found=counted(len(numbers), "folder"),
                allowed=f"folders 0 to {len(names) - 1}, one for each class name",
            )
        )
    return Listing(names, {"test": labelled_images(place, numbers)}, place)


def _by_id(images: str) -> Layout:
    def read(folder: Path) -> Listing:
        place = folder / images
        ids = class_folders(place)
        names = names_by_folder(folder)
        classnames = [name_of(names, each, place) for each in ids]
        return Listing(classnames, {"test": labelled_images(place, ids)}, place)

    folder = {
        "images": "imagenet-sketch",
        "imagenet-a": "imagenet-adversarial",
        "imagenet-r": "imagenet-rendition",
    }
    return Layout("all images are the test", folder[images], (images,), read)


ENTRIES = (
    Entry(
        name="imagenetv2",
        title="ImageNetV2",
        classes=1000,
        images=(0, 0, 10000),
        layouts=(Layout("all images are the test", "imagenetv2", (V2_IMAGES,), _v2),),
    ),
    Entry("imagenet_sketch", "ImageNet-Sketch", 1000, (0, 0, 50889), (_by_id("images"),)),
    Entry("imagenet_a", "ImageNet-A", 200, (0, 0, 7500), (_by_id("imagenet-a"),)),
    Entry("imagenet_r", "ImageNet-R", 200, (0, 0, 30000), (_by_id("imagenet-r"),)),
)
