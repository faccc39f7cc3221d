"""UCF101: 101 actions, the middle frame of each video."""

from pathlib import Path

from nemesis_sweep.data.catalogue.entry import Entry, Layout, Listing
from nemesis_sweep.data.catalogue.listing import label_in, lines_of
from nemesis_sweep.data.catalogue.split_file import split_file_layouts
from nemesis_sweep.data.classnames import words_of
from nemesis_sweep.data.division import VAL_FROM_TRAIN, part_val_from

IMAGES = "UCF-101-midframes"
LISTS = "ucfTrainTestlist"
NEEDS = (IMAGES, *(f"{LISTS}/{file}.txt" for file in ("classInd", "trainlist01", "testlist01")))


def _official(folder: Path) -> Listing:
    """The first official partition: videos, of which `Apply_Eye_Makeup/v_x.jpg` is the frame."""
    numbered = [line.split() for line in lines_of(folder / LISTS / "classInd.txt")]
    labels = {name: int(number) - 1 for number, name in numbered}
    names = sorted(labels, key=labels.__getitem__)

    def rows(file: str) -> list[tuple[str, int]]:
        found = []
        for line in lines_of(folder / LISTS / file):
            action, _, video = line.split()[0].partition("/")
            label = label_in(labels, action, folder / LISTS / file)
            found.append((f"{words_of(action).replace(' ', '_')}/{Path(video).stem}.jpg", label))
        return found

    train, val = part_val_from(rows("trainlist01.txt"))
    splits = {"train": train, "val": val, "test": rows("testlist01.txt")}
    return Listing([words_of(name) for name in names], splits, folder / IMAGES)


ENTRY = Entry(
    name="ucf101",
    title="UCF101",
    classes=101,
    images=(7639, 1898, 3783),
    layouts=(
        *split_file_layouts("split_zhou_UCF101.json", ("ucf101", IMAGES)),
        Layout(f"official partition 01; {VAL_FROM_TRAIN}", "ucf101", NEEDS, _official),
    ),
    template="a photo of a person doing {}.",
)
