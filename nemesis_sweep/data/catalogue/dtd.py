"""DTD: 47 textures."""

from pathlib import Path

from nemesis_sweep.data.catalogue.entry import Entry, Layout, Listing
from nemesis_sweep.data.catalogue.listing import lines_of
from nemesis_sweep.data.catalogue.split_file import split_file_layouts
from nemesis_sweep.data.classnames import clean
from nemesis_sweep.data.dataset import SPLITS

FOLDERS = ("dtd", "dtd/dtd")
"""CoOp's and torchvision's."""
LISTS = {split: f"labels/{split}1.txt" for split in SPLITS}


def _official(folder: Path) -> Listing:
    """The first official partition (1880 images in each list); a line is `banded/banded_0002.jpg`."""
    files = {split: lines_of(folder / file) for split, file in LISTS.items()}
    names = sorted({file.partition("/")[0] for split in SPLITS for file in files[split]})
    labels = {name: label for label, name in enumerate(names)}
    splits = {split: [(file, labels[file.partition("/")[0]]) for file in files[split]] for split in SPLITS}
    return Listing([clean(name) for name in names], splits, folder / "images")


ENTRY = Entry(
    name="dtd",
    title="DTD",
    classes=47,
    images=(2820, 1128, 1692),
    layouts=(
        *split_file_layouts(
            "split_zhou_DescribableTextures.json", *((folder, "images") for folder in FOLDERS)
        ),
        *(
            Layout("official partition 1", folder, ("images", *LISTS.values()), _official)
            for folder in FOLDERS
        ),
    ),
    template="{} texture.",
    torchvision="DTD",
)
