"""Datasets by the names that papers, torchvision and other code give them."""

import re

from nemesis_sweep.data.catalogue import CATALOGUE
from nemesis_sweep.data.own.torchvision_names import PREFIX, torchvision_names

OTHERS = {
    "describabletextures": "dtd",
    "textures": "dtd",
    "oxfordiiitpet": "oxford_pets",
    "pets": "oxford_pets",
    "pet37": "oxford_pets",
    "cars": "stanford_cars",
    "cars196": "stanford_cars",
    "flowers": "oxford_flowers",
    "flowers102": "oxford_flowers",
    "oxfordflowers102": "oxford_flowers",
    "aircraft": "fgvc_aircraft",
    "food": "food101",
    "caltech": "caltech101",
    "sun": "sun397",
    "ucf": "ucf101",
    "in1k": "imagenet",
    "imagenet1k": "imagenet",
    "ilsvrc2012": "imagenet",
    "inv2": "imagenetv2",
    "ins": "imagenet_sketch",
    "ina": "imagenet_a",
    "imagenetadversarial": "imagenet_a",
    "inr": "imagenet_r",
    "imagenetrendition": "imagenet_r",
}


def meant_dataset(name: str) -> str:
    """The name here of a dataset that others call ``name``; '' when there is none."""
    plain = _plain(name)
    known = {_plain(each): key for key, entry in CATALOGUE.items() for each in (key, entry.title)} | OTHERS
    if plain in known:
        return known[plain]
    theirs = {_plain(each): each for each in torchvision_names()}
    return PREFIX + theirs[plain] if plain in theirs else ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold().removeprefix(PREFIX))
