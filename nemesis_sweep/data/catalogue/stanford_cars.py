"""StanfordCars: 196 models. CoOp's folder and torchvision's are the same."""

from pathlib import Path

from nemesis_sweep.data.catalogue.entry import Entry, Layout, Listing
from nemesis_sweep.data.catalogue.matlab import read_matlab
from nemesis_sweep.data.catalogue.split_file import split_file_layouts
from nemesis_sweep.data.classnames import clean, year_first
from nemesis_sweep.data.division import VAL_FROM_TRAIN, part_val_from

META = "devkit/cars_meta.mat"
TRAIN = "devkit/cars_train_annos.mat"
TEST = "cars_test_annos_withlabels.mat"


def _annotated(folder: Path) -> Listing:
    """The official lists; the year stands before the name, as in CoOp's file."""
    names = [year_first(clean(str(name))) for name in read_matlab(folder / META, "class_names")]
    train, val = part_val_from(_rows(folder / TRAIN, "cars_train"))
    splits = {"train": train, "val": val, "test": _rows(folder / TEST, "cars_test")}
    return Listing(names, splits, folder)


def _rows(path: Path, images: str) -> list[tuple[str, int]]:
    """Files and labels of a list; labels count from 1 there."""
    annotations = read_matlab(path, "annotations").reshape(-1)
    return [(f"{images}/{row['fname']}", int(row["class"]) - 1) for row in annotations]


ENTRY = Entry(
    name="stanford_cars",
    title="StanfordCars",
    classes=196,
    images=(6509, 1635, 8041),
    layouts=(
        *split_file_layouts("split_zhou_StanfordCars.json", ("stanford_cars", ".")),
        Layout(
            f"official test list; {VAL_FROM_TRAIN}",
            "stanford_cars",
            ("cars_train", "cars_test", META, TRAIN, TEST),
            _annotated,
        ),
    ),
)
