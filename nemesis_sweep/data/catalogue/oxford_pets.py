"""OxfordPets: 37 breeds of cats and dogs."""

from pathlib import Path

from nemesis_sweep.data.catalogue.entry import Entry, Layout, Listing
from nemesis_sweep.data.catalogue.listing import lines_of
from nemesis_sweep.data.catalogue.split_file import split_file_layouts
from nemesis_sweep.data.classnames import clean, in_order
from nemesis_sweep.data.division import VAL_FROM_TRAIN, part_val_from
from nemesis_sweep.messages.errors import Problem, UserError

NEEDS = ("images", "annotations/trainval.txt", "annotations/test.txt")
FOLDERS = ("oxford_pets", "oxford-iiit-pet")
"""CoOp's and torchvision's."""


def _annotated(folder: Path) -> Listing:
    """The official lists; a line is `image label species breed`, labels count from 1."""
    names: dict[int, str] = {}
    lists: dict[str, list[tuple[str, int]]] = {}
    for file in ("trainval", "test"):
        path = folder / "annotations" / f"{file}.txt"
        lists[file] = []
        for line in lines_of(path):
            words = line.split()
            if len(words) != 4 or not words[1].isdigit():
                raise UserError(Problem("not a line of four words", file=str(path), found=line[:80]))
            label = int(words[1]) - 1
            names[label] = clean(words[0].rpartition("_")[0]).lower()
            lists[file].append((f"{words[0]}.jpg", label))
    train, val = part_val_from(lists["trainval"])
    classnames = in_order(names, folder / NEEDS[1])
    return Listing(classnames, {"train": train, "val": val, "test": lists["test"]}, folder / "images")


ENTRY = Entry(
    name="oxford_pets",
    title="OxfordPets",
    classes=37,
    images=(2944, 736, 3669),
    layouts=(
        *split_file_layouts("split_zhou_OxfordPets.json", *((folder, "images") for folder in FOLDERS)),
        *(Layout(f"official test list; {VAL_FROM_TRAIN}", folder, NEEDS, _annotated) for folder in FOLDERS),
    ),
    template="a photo of a {}, a type of pet.",
    torchvision="OxfordIIITPet",
)
