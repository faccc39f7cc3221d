"""Datasets by the names that others give them."""

import pytest

from nemesis_sweep.data.catalogue import CATALOGUE
from nemesis_sweep.data.other_names import OTHERS, meant_dataset
from nemesis_sweep.data.registry import check_name
from nemesis_sweep.messages.errors import UserError


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("OxfordPets", "oxford_pets"),
        ("StanfordCars", "stanford_cars"),
        ("Caltech-101", "caltech101"),
        ("DescribableTextures", "dtd"),
        ("OxfordFlowers", "oxford_flowers"),
        ("Flowers102", "oxford_flowers"),
        ("FGVCAircraft", "fgvc_aircraft"),
        ("Food-101", "food101"),
        ("ImageNet-R", "imagenet_r"),
        ("ImageNetSketch", "imagenet_sketch"),
        ("EuroSAT", "eurosat"),
        ("cifar10", "torchvision:CIFAR10"),
        ("CIFAR-100", "torchvision:CIFAR100"),
        ("mnist", "torchvision:MNIST"),
        ("torchvision:cifar10", "torchvision:CIFAR10"),
        ("coco", ""),
    ],
)
def test_the_name_here(theirs: str, ours: str) -> None:
    assert meant_dataset(theirs) == ours
    if ours:
        check_name(ours)
        with pytest.raises(UserError) as told:
            check_name(theirs)
        assert told.value.problems[0].nearest == ours


def test_all_others_point_to_datasets_that_there_are() -> None:
    assert set(OTHERS.values()) <= set(CATALOGUE)
