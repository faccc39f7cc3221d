"""What is particular to single datasets of the catalogue: names, labels, and which layout counts."""

import json
import re
from functools import partial

import pytest

from nemesis_sweep.data.catalogue import CATALOGUE
from nemesis_sweep.data.catalogue.imagenet_names import imagenet_classnames
from nemesis_sweep.data.catalogue.split_file import read_split_file
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.messages.errors import UserError
from tests.data import layouts


def last_layout(name: str, root):
    """The dataset by its last layout, the one without CoOp's split file."""
    layouts.ALL[name][-1](root)
    return load_dataset(name, root)


@pytest.mark.parametrize(
    ("name", "classnames"),
    [
        ("caltech101", ("face", "airplane", "car side")),
        ("oxford_pets", ("abyssinian", "maine coon")),
        ("stanford_cars", ("2000 AM General Hummer SUV", "2012 Audi S4 Sedan")),
        ("oxford_flowers", ("pink primrose", "hard-leaved pocket orchid", "canterbury bells")),
        ("food101", ("apple pie", "waffles")),
        ("fgvc_aircraft", ("707-320", "DC-9 30 x", "A340 600")),
        ("sun397", ("abbey", "outdoor athletic field", "zen garden")),
        ("dtd", ("banded", "polka-dotted")),
        ("eurosat", ("Annual Crop Land", "Sea or Lake")),
        ("ucf101", ("Apply Eye Makeup", "Tai Chi", "Yo Yo")),
        ("imagenet", ("tench", "goldfish", "red fox")),
        ("imagenet_a", ("goldfish", "red fox")),
        ("imagenet_r", ("tench", "red fox")),
    ],
)
def test_class_names(name, classnames, tmp_path) -> None:
    assert last_layout(name, tmp_path).classnames == classnames


def test_names_of_flowers_come_from_coops_file_where_it_is(tmp_path) -> None:
    layouts.flowers("oxford_flowers", True, tmp_path)
    assert load_dataset("oxford_flowers", tmp_path).classnames == ("tiger lily", "rose", "iris")


@pytest.mark.parametrize(
    ("name", "split", "first", "label"),
    [
        ("oxford_pets", "test", "images/Abyssinian_11.jpg", 0),
        ("stanford_cars", "test", "cars_test/00001.jpg", 1),
        ("oxford_flowers", "val", "jpg/image_00013.jpg", 0),
        ("food101", "test", "images/apple_pie/10.jpg", 0),
        ("fgvc_aircraft", "val", "images/1000000.jpg", 0),
        ("dtd", "test", "images/banded/banded_2000.jpg", 0),
        ("ucf101", "test", "UCF-101-midframes/Apply_Eye_Makeup/v_ApplyEyeMakeup_g01_c01.jpg", 0),
        ("imagenet", "test", "val/n01440764/image_0000.jpg", 0),
        ("imagenet_a", "test", "imagenet-a/n01443537/image_0000.jpg", 0),
    ],
)
def test_the_first_image_of_an_official_list(name, split, first, label, tmp_path) -> None:
    dataset = last_layout(name, tmp_path)
    item = dataset.splits[split][0]
    assert (dataset.local(item), item.label) == (first, label)


def test_official_lists_keep_their_sizes(tmp_path) -> None:
    for name, counts in (
        ("oxford_pets", (16, 4, 12)),
        ("fgvc_aircraft", (12, 12, 12)),
        ("oxford_flowers", (12, 6, 12)),
        ("dtd", (16, 16, 16)),
        ("imagenet", (36, 0, 12)),
        ("caltech101", (30, 12, 18)),
    ):
        dataset = last_layout(name, tmp_path)
        assert tuple(map(len, (dataset.train, dataset.val, dataset.test))) == counts, name


def test_coops_split_file_counts_before_any_other_layout(tmp_path) -> None:
    for builder in reversed(layouts.ALL["dtd"]):
        builder(tmp_path)
    dataset = load_dataset("dtd", tmp_path)
    assert dataset.split == "CoOp's split_zhou_DescribableTextures.json"
    # Its order is kept: labels appear as the file has them.
    assert [item.label for item in dataset.train[:21:10]] == [2, 1, 0]


def test_a_split_file_works_with_images_where_torchvision_keeps_them(tmp_path) -> None:
    layouts.split_file("oxford-iiit-pet", "images", "split_zhou_OxfordPets.json", tmp_path)
    dataset = load_dataset("oxford_pets", tmp_path)
    assert dataset.split == "CoOp's split_zhou_OxfordPets.json"
    assert dataset.train[0].path.is_relative_to(tmp_path / "oxford-iiit-pet" / "images")


def test_labels_of_v2_count_as_numbers(tmp_path) -> None:
    """Sorted as texts, 10 would come before 2."""
    folders = [str(number) for number in range(12)]
    layouts.folders("imagenetv2/imagenetv2-matched-frequency-format-val", folders, tmp_path, 1)
    layouts.text(tmp_path / "imagenetv2/classnames.txt", [f"n{n:08d} name {n}" for n in range(12)])
    dataset = load_dataset("imagenetv2", tmp_path)
    assert [item.path.parent.name for item in dataset.test] == folders
    assert [dataset.classnames[item.label] for item in dataset.test] == [f"name {n}" for n in range(12)]


def test_without_classnames_txt_open_clips_list_names_a_thousand_folders(tmp_path) -> None:
    ids = [f"n{number:08d}" for number in range(1000)]
    for split in ("train", "val"):
        for each in ids:
            (tmp_path / "imagenet/images" / split / each).mkdir(parents=True)
    layouts.jpeg(tmp_path / "imagenet/images/train" / ids[7] / "a.JPEG")
    layouts.folders("imagenet-rendition/imagenet-r", (ids[7], ids[1]), tmp_path, 1)
    dataset = load_dataset("imagenet", tmp_path)
    assert dataset.classnames == imagenet_classnames()
    assert dataset.classnames[:3] == ("tench", "goldfish", "great white shark")
    assert [item.label for item in dataset.train] == [7]
    # The labels of R are those of its own 200 classes, its names are ImageNet's.
    assert load_dataset("imagenet_r", tmp_path).classnames == ("goldfish", imagenet_classnames()[7])


def test_without_any_names_it_says_where_they_are_looked_for(tmp_path) -> None:
    layouts.folders("imagenet-adversarial/imagenet-a", ("n01440764",), tmp_path, 1)
    with pytest.raises(
        UserError, match=r"names of the classes are not there; allowed: CoOp's classnames\.txt"
    ):
        load_dataset("imagenet_a", tmp_path)


def test_what_is_not_there_is_told_with_every_layout(tmp_path) -> None:
    (tmp_path / "dtd" / "images").mkdir(parents=True)
    with pytest.raises(UserError) as caught:
        load_dataset("dtd", tmp_path)
    told = str(caught.value).splitlines()
    assert told[0].startswith(
        f"tasks.root: DTD is not there; found {tmp_path}; allowed: one of these below it"
    )
    assert "`nemesis-sweep datasets fetch dtd" in told[0]
    assert told[1:4] == [
        "  CoOp's split_zhou_DescribableTextures.json:",
        "    dtd/images",
        "    dtd/split_zhou_DescribableTextures.json  (missing)",
    ]
    assert (
        sum(line.endswith("(missing)") for line in told)
        == sum(len(layout.needs) for layout in CATALOGUE["dtd"].layouts) - 2
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot read this split file"),
        ({"train": [], "val": []}, "no list 'test'"),
        ([], "no list 'train'"),
        ({"train": [["a.jpg", 0]], "val": [], "test": []}, r"train\[0\]: not a row"),
        ({"train": [["a.jpg", "x", "a"]], "val": [], "test": []}, r"train\[0\]: not a row"),
        ({"train": [["a.jpg", 1, "a"]], "val": [], "test": []}, "labels with gaps; found 1 label, 1 to 1"),
        ({"train": [], "val": [], "test": []}, "labels with gaps; found 0 labels"),
        (
            {"train": [["a.jpg", 0, "a"]], "val": [["b.jpg", 0, "b"]], "test": []},
            r"val\[0\]: label 0 has two names; found 'a' and 'b'",
        ),
    ],
)
def test_a_split_file_that_is_none_is_told(content, message, tmp_path) -> None:
    path = tmp_path / "split.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UserError, match=message) as caught:
        read_split_file(path, tmp_path)
    assert str(caught.value).startswith(str(path))


def spoil_list(folder: str, file: str, line: str, root) -> None:
    with (root / folder / file).open("a") as opened:
        opened.write(line + "\n")


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        (
            "fgvc_aircraft",
            partial(spoil_list, "fgvc-aircraft-2013b/data", "images_variant_val.txt", "1 Ufo"),
            "found Ufo",
        ),
        ("sun397", partial(spoil_list, "SUN397", "ClassName.txt", "/q/quarry"), "cannot list this folder"),
        (
            "oxford_pets",
            partial(spoil_list, "oxford-iiit-pet", "annotations/test.txt", "x"),
            "not a line of four words",
        ),
        (
            "oxford_pets",
            partial(spoil_list, "oxford-iiit-pet", "annotations/test.txt", "x_1 9 1 1"),
            "labels with gaps",
        ),
        (
            "ucf101",
            partial(spoil_list, "ucf101", "ucfTrainTestlist/testlist01.txt", "Yawn/v_Yawn.avi"),
            "found Yawn",
        ),
    ],
)
def test_a_list_that_does_not_fit_is_told(name, spoil, message, tmp_path) -> None:
    layouts.ALL[name][-1](tmp_path)
    spoil(tmp_path)
    with pytest.raises(UserError, match=message):
        load_dataset(name, tmp_path)


def test_a_matlab_file_that_is_none_is_told(tmp_path) -> None:
    layouts.cars(tmp_path)
    path = tmp_path / "stanford_cars/devkit/cars_meta.mat"
    whole = path.read_bytes()
    for length in (0, 50, 140, len(whole) - 20):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match=f"{re.escape(str(path))}: cannot read this MATLAB file"):
            load_dataset("stanford_cars", tmp_path)
    path.write_bytes((tmp_path / "stanford_cars/devkit/cars_train_annos.mat").read_bytes())
    with pytest.raises(UserError, match=f"{re.escape(str(path))}: no variable 'class_names'"):
        load_dataset("stanford_cars", tmp_path)
