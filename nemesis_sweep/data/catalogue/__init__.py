"""The datasets of the paper: one file each, with what is published of it and where its files lie."""

from nemesis_sweep.data.catalogue import (
    caltech101,
    dtd,
    eurosat,
    fgvc_aircraft,
    food101,
    imagenet,
    imagenet_variants,
    oxford_flowers,
    oxford_pets,
    stanford_cars,
    sun397,
    ucf101,
)

CATALOGUE = {
    entry.name: entry
    for entry in (
        imagenet.ENTRY,
        caltech101.ENTRY,
        oxford_pets.ENTRY,
        stanford_cars.ENTRY,
        oxford_flowers.ENTRY,
        food101.ENTRY,
        fgvc_aircraft.ENTRY,
        sun397.ENTRY,
        dtd.ENTRY,
        eurosat.ENTRY,
        ucf101.ENTRY,
        *imagenet_variants.ENTRIES,
    )
}
"""In the order of the paper's tables."""
