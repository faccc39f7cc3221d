"""Tasks are called as their folders, short, and never alike."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nemesis_sweep.spec.task_names import Names, named
from nemesis_sweep.spec.tasks import Task

ROOT = "/data/pets"


def tasks(datasets, backbones=("icon-clip",), protocol="few_shot", shots=(4,), targets=()) -> list[Task]:
    return [Task(b, d, s, protocol, ROOT, targets) for b in backbones for d in datasets for s in shots]


def keys(*args, known: Names | None = None, **more) -> list[str]:
    return [task.key for task in named(tasks(*args, **more), known)]


@pytest.mark.parametrize(
    ("datasets", "called"),
    [
        (["digits", "./photos"], ["digits", "photos"]),
        (["/a/b/photos/", "~/pictures", "../cats"], ["photos", "pictures", "cats"]),
        ([".", "torchvision:CIFAR10", "mine.csv"], ["pets", "CIFAR10", "mine.csv"]),
        (["my photos (2024)", "./café"], ["my-photos-2024", "cafe"]),
        # Told apart by the nearest parent folder that can, else by all that are needed, else by a hash.
        (["a/photos", "b/photos", "cats"], ["a-photos", "b-photos", "cats"]),
        (["v1/data/images", "v2/data/images"], ["v1-images", "v2-images"]),
        (["a/x/p", "a/y/p", "b/x/p"], ["a-x-p", "a-y-p", "b-x-p"]),
        (["emoji", "./emoji"], ["emoji", "pets-emoji"]),
        (["a/Photos", "b/photos"], ["a-Photos", "b-photos"]),
    ],
)
def test_datasets_are_called_as_their_folders(datasets, called) -> None:
    assert keys(datasets) == [f"{name}-4shot" for name in called]


def test_letters_of_other_scripts_have_a_hash_in_their_place() -> None:
    (photos, year) = keys(["./фото", "./фото 2024"])
    assert re.fullmatch(r"dataset-[0-9a-f]{8}-4shot", photos)
    assert re.fullmatch(r"2024-[0-9a-f]{8}-4shot", year)
    for pair in (["./Cats", "./cats"], ["./a b", "./a-b"], ["./photos", "./photos/"]):
        one, other = keys(pair)
        assert one.casefold() != other.casefold()
        assert re.fullmatch(r"\S+-[0-9a-f]{8}-4shot", one)


@pytest.mark.parametrize(
    ("backbones", "called"),
    [
        (["icon-clip", "RN50"], ["icon-clip", "RN50"]),
        (["ViT-B-16@openai", "hf-hub:laion/CLIP-ViT-L-14"], ["ViT-B-16", "CLIP-ViT-L-14"]),
        (
            ["ViT-B-16@openai", "ViT-B-16@laion2b_s34b_b88k"],
            ["ViT-B-16-openai", "ViT-B-16-laion2b_s34b_b88k"],
        ),
        (["hf-hub:a/CLIP", "hf-hub:b/CLIP"], ["CLIP-a", "CLIP-b"]),
        (["hf-hub:a/CLIP@v1", "hf-hub:a/CLIP@v2"], ["CLIP-v1", "CLIP-v2"]),
        (["./runs/a/clip", "/other/b/clip/model.safetensors"], ["a-clip", "b-clip"]),
        (["RN50@./x/one.safetensors", "RN50@./x/two.safetensors"], ["RN50-one", "RN50-two"]),
        (["RN50@./x/best.safetensors", "RN50@./y/best.safetensors"], ["RN50-x", "RN50-y"]),
    ],
)
def test_backbones_are_named_only_where_there_are_several(backbones, called) -> None:
    assert keys(["digits"], backbones) == [f"digits-4shot-{name}" for name in called]
    assert keys(["digits"], backbones[:1]) == ["digits-4shot"]


def test_what_all_tasks_share_is_left_out() -> None:
    assert keys(["digits"], protocol="base_to_new", shots=(1, 16)) == ["digits-1shot", "digits-16shot"]


def test_names_that_were_given_stay() -> None:
    known = Names(tuple(named(tasks(["./a/photos"]))))
    assert keys(["./a/photos", "./b/photos"], known=known) == ["photos-4shot", "b-photos-4shot"]
    more = keys(["./a/photos"], ["icon-clip", "RN50"], known=known)
    assert more == ["photos-4shot", "photos-4shot-RN50"]
    other = keys(["./a/photos"], protocol="base_to_new", known=known)
    assert other == ["photos-4shot-base_to_new"]
    # One that is no longer in the sweep keeps its name from others too.
    taken = Names(tuple(replace(task, name="cats-4shot") for task in tasks(["./a/photos"])))
    (own,) = keys(["cats"], known=taken)
    assert re.fullmatch(r"cats-4shot-[0-9a-f]{8}", own)


def test_targets_are_called_as_their_folders_but_not_as_other_metrics() -> None:
    targets = ("imagenet_a", "./photos", "./new")
    (task,) = named(tasks(["digits"], protocol="domain_generalization", targets=targets))
    first, second, third = task.tested
    assert (first, second, task.tested["photos"]) == ("imagenet_a", "photos", "./photos")
    assert re.fullmatch(r"new-[0-9a-f]{8}", third)


name = st.lists(st.text("aAbé花/. -@:~", max_size=6), min_size=1, max_size=6, unique=True)


@given(name, name)
def test_names_are_folder_names_that_no_file_system_confuses(datasets, backbones) -> None:
    given_names = keys(datasets, backbones, shots=(1, 4))
    assert len({each.casefold() for each in given_names}) == len(given_names)
    for each in given_names:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", each) and len(each) <= 160
    assert given_names == keys(datasets, backbones, shots=(1, 4))


def test_long_names_are_cut() -> None:
    one, other = keys(["./" + "x" * 300, "./" + "x" * 299 + "y"], ["z" * 300, "RN50"])[:2]
    assert one != other and len(one) < 160
