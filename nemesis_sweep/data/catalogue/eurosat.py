"""EuroSAT: 10 kinds of land cover, 64 pixels square."""

from nemesis_sweep.data.catalogue.entry import Entry, Layout
from nemesis_sweep.data.catalogue.listing import undivided
from nemesis_sweep.data.catalogue.split_file import split_file_layouts
from nemesis_sweep.data.division import THREE_WAYS

RENAMED = {
    "AnnualCrop": "Annual Crop Land",
    "Forest": "Forest",
    "HerbaceousVegetation": "Herbaceous Vegetation Land",
    "Highway": "Highway or Road",
    "Industrial": "Industrial Buildings",
    "Pasture": "Pasture Land",
    "PermanentCrop": "Permanent Crop Land",
    "Residential": "Residential Buildings",
    "River": "River",
    "SeaLake": "Sea or Lake",
}

ENTRY = Entry(
    name="eurosat",
    title="EuroSAT",
    classes=10,
    images=(13500, 5400, 8100),
    layouts=(
        *split_file_layouts("split_zhou_EuroSAT.json", ("eurosat", "2750")),
        Layout(THREE_WAYS, "eurosat", ("2750",), undivided("2750", renamed=RENAMED)),
    ),
    template="a centered satellite photo of {}.",
    torchvision="EuroSAT",
)
