"""Caltech101: 100 classes, the background and the second folder of faces left out."""

from nemesis_sweep.data.catalogue.entry import Entry, Layout
from nemesis_sweep.data.catalogue.listing import undivided
from nemesis_sweep.data.catalogue.split_file import split_file_layouts
from nemesis_sweep.data.division import THREE_WAYS

IMAGES = "101_ObjectCategories"
IGNORED = ("BACKGROUND_Google", "Faces_easy")
RENAMED = {"airplanes": "airplane", "Faces": "face", "Leopards": "leopard", "Motorbikes": "motorbike"}
FOLDERS = ("caltech-101", "caltech101")
"""CoOp's and torchvision's."""

ENTRY = Entry(
    name="caltech101",
    title="Caltech101",
    classes=100,
    images=(4128, 1649, 2465),
    layouts=(
        *split_file_layouts("split_zhou_Caltech101.json", *((folder, IMAGES) for folder in FOLDERS)),
        *(Layout(THREE_WAYS, folder, (IMAGES,), undivided(IMAGES, IGNORED, RENAMED)) for folder in FOLDERS),
    ),
    torchvision="Caltech101",
)
