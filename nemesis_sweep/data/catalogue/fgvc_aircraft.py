"""FGVCAircraft: 100 variants of aircraft, by the official lists, as in CoOp."""

from pathlib import Path

from nemesis_sweep.data.catalogue.entry import Entry, Layout, Listing
from nemesis_sweep.data.catalogue.listing import label_in, lines_of
from nemesis_sweep.data.classnames import clean
from nemesis_sweep.data.dataset import SPLITS

LISTS = {split: f"images_variant_{split}.txt" for split in SPLITS}


def _official(folder: Path) -> Listing:
    """A line is an image and its variant, which may have spaces; `variants.txt` orders the labels."""
    names = lines_of(folder / "variants.txt")
    labels = {name: label for label, name in enumerate(names)}
    splits = {}
    for split, file in LISTS.items():
        pairs = [line.partition(" ") for line in lines_of(folder / file)]
        splits[split] = [
            (f"{image}.jpg", label_in(labels, variant.strip(), folder / file)) for image, _, variant in pairs
        ]
    return Listing([clean(name) for name in names], splits, folder / "images")


ENTRY = Entry(
    name="fgvc_aircraft",
    title="FGVCAircraft",
    classes=100,
    images=(3334, 3333, 3333),
    layouts=tuple(
        Layout("official lists (variants)", folder, ("images", "variants.txt", *LISTS.values()), _official)
        for folder in ("fgvc_aircraft", "fgvc-aircraft-2013b/data")
    ),
    template="a photo of a {}, a type of aircraft.",
    torchvision="FGVCAircraft",
)
