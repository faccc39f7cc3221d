"""Data of one's own: which kind a path is, how splits come about, and what is said when it does not fit."""

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nemesis_sweep.data.division import THREE_WAYS, VAL_FROM_TRAIN, divide, part_val_from
from nemesis_sweep.data.files import labels_of
from nemesis_sweep.data.own.rows import VAL_AS_TEST
from nemesis_sweep.data.registry import check_name, load_dataset
from nemesis_sweep.messages.errors import UserError
from tests.data import layouts, own_data

GIVEN_TWO = f"given; {VAL_FROM_TRAIN}"


@pytest.mark.parametrize(
    ("kind", "split", "counts"),
    [
        ("class folders", THREE_WAYS, (30, 12, 18)),
        ("class folders in splits", "given", (30, 12, 18)),
        ("csv", "given", (30, 12, 18)),
        ("tsv without splits", THREE_WAYS, (30, 12, 18)),
        ("parquet of bytes", GIVEN_TWO, (24, 6, 18)),
        ("parquet of paths", "given", (30, 12, 18)),
        ("hugging face", "given", (30, 12, 18)),
        ("torchvision MNIST", f"torchvision's; {VAL_FROM_TRAIN}", (100, 20, 30)),
        ("torchvision Country211", "torchvision's", (30, 12, 18)),
    ],
)
def test_splits_and_where_they_come_from(kind, split, counts, tmp_path) -> None:
    dataset = load_dataset(own_data.ALL[kind](tmp_path), tmp_path)
    assert dataset.split == split
    assert tuple(map(len, (dataset.train, dataset.val, dataset.test))) == counts


def test_paths_as_windows_writes_them(tmp_path) -> None:
    own_data.table_of_paths(tmp_path)
    table = tmp_path / "mine.csv"
    written = [Path(item.source) for item in load_dataset("mine.csv", tmp_path).test]
    table.write_text(table.read_text().replace("/", "\\"))
    dataset = load_dataset("mine.csv", tmp_path)
    assert [item.path for item in dataset.test] == written
    assert all(item.read() for item in dataset.test)


def test_a_template_in_parquet_is_used(tmp_path) -> None:
    dataset = load_dataset(own_data.parquet_of_paths(tmp_path), tmp_path)
    assert dataset.zero_shot_texts()[0] == "a drawing of a first kind."


def test_the_pictures_of_torchvision_lose_nothing(tmp_path) -> None:
    import io

    import numpy as np
    from PIL import Image
    from torchvision.datasets import MNIST

    name = own_data.torchvision_images(tmp_path)
    dataset, theirs = load_dataset(name, tmp_path), MNIST(str(tmp_path), train=False)
    for number in (0, 7, 29):
        picture = np.array(Image.open(io.BytesIO(dataset.test[number].read())))
        assert np.array_equal(picture, np.array(theirs[number][0]))
        assert dataset.test[number].label == theirs[number][1]


def test_train_and_val_alone_make_val_the_test(tmp_path) -> None:
    for split in ("train", "val"):
        layouts.folders(f"mine/{split}", ("a", "b"), tmp_path, 10)
    dataset = load_dataset("./mine", tmp_path)
    assert dataset.split == VAL_AS_TEST
    assert {item.path.parts[-3] for item in dataset.test} == {"val"}
    assert {item.path.parts[-3] for item in dataset.val} == {"train"}
    assert (len(dataset.train), len(dataset.val), len(dataset.test)) == (16, 4, 20)


def test_an_absolute_path_needs_no_root(tmp_path) -> None:
    own_data.class_folders(tmp_path)
    dataset = load_dataset(str(tmp_path / "mine"), "/no/such/root")
    assert dataset.classnames == ("first kind", "second", "third kind")


def test_the_root_is_taken_from_the_environment(tmp_path, monkeypatch) -> None:
    name = own_data.class_folders(tmp_path)
    monkeypatch.setenv("NEMESIS_SWEEP_DATA", str(tmp_path))
    assert len(load_dataset(name).train) == 30


def test_every_class_is_trained_on_and_tested_where_it_has_two_images() -> None:
    rows = [(str(n), label) for label, count in enumerate((1, 2, 3, 4, 40)) for n in range(count)]
    counts = {split: Counter(label for _, label in part) for split, part in divide(rows).items()}
    assert counts["train"] == {0: 1, 1: 1, 2: 2, 3: 2, 4: 20}
    assert counts["val"] == {3: 1, 4: 8}
    assert counts["test"] == {1: 1, 2: 1, 3: 1, 4: 12}
    assert sorted(row for part in divide(rows).values() for row in part) == sorted(rows)
    train, val = part_val_from(rows)
    assert Counter(label for _, label in val) == {1: 1, 2: 1, 3: 1, 4: 8}
    assert sorted(train + val) == sorted(rows)


def test_a_division_is_the_same_everywhere() -> None:
    """Literal values: whoever changes the division changes results that people have published."""
    rows = [(str(n), n % 2) for n in range(12)]
    names = {split: "".join(f"{name} " for name, _ in part) for split, part in divide(rows).items()}
    assert names == {"train": "8 4 2 9 5 3 ", "val": "0 1 ", "test": "10 6 11 7 "}


def write(path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def parquet(path, metadata=None, **columns) -> None:
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), path)


def mixed(root) -> None:
    layouts.folders("x/train", ("a",), root, 2)
    layouts.folders("x", ("dogs",), root, 2)


def saved(root, state) -> None:
    write(root / "x/state.json", json.dumps(state))


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("./x", lambda root: None, "no such file or folder; found .*/x; allowed: class folders, a .parquet"),
        ("./" + "x" * 300, lambda root: None, "cannot be read: File name too long; found .*; allowed: class"),
        ("./x", lambda root: (root / "x").symlink_to("x"), "cannot be read: Too many levels of symbolic"),
        (
            "./x",
            lambda root: write(root / "y", "") or (root / "x").symlink_to("y/z"),
            "no such file or folder",
        ),
        ("./x", lambda root: (root / "x").mkdir(), "no images in class folders"),
        ("./x", mixed, "class folders beside splits; found dogs"),
        (
            "./x",
            lambda root: layouts.folders("x/train", ("a",), root, 2),
            "fewer than two classes; found 'a'; allowed: two or more: FOLDER/CLASS/image.jpg",
        ),
        ("./x.zip", lambda root: write(root / "x.zip", ""), r"not a dataset; found \.zip"),
        (
            "x.csv",
            lambda root: write(root / "x.csv", "file,label\n"),
            r"x\.csv:1: no column path; found file, label",
        ),
        ("x.csv", lambda root: write(root / "x.csv", ""), r"x\.csv:1: no column path, label"),
        ("x.csv", lambda root: write(root / "x.csv", "path,label\n"), "no images"),
        (
            "x.csv",
            lambda root: write(root / "x.csv", "path,label,label\na.jpg,cat,dog\n"),
            r"x\.csv:1: two columns label; found path, label, label",
        ),
        (
            "x.parquet",
            lambda root: pq.write_table(
                pa.Table.from_arrays([[b"x"], ["a"], ["b"]], ["image", "label", "label"]), root / "x.parquet"
            ),
            "two columns label; found image, label, label",
        ),
        ("x.csv", lambda root: write(root / "x.csv", "path,label\na.jpg,\n"), r"x\.csv:2: label: no label"),
        (
            "x.csv",
            lambda root: write(root / "x.csv", "path,label\na.jpg,3\n"),
            "labels are numbers; found 3",
        ),
        (
            "x.csv",
            lambda root: write(root / "x.csv", "path,label,split\na.jpg,cat,trial\n"),
            "an unknown split; found 'trial'",
        ),
        (
            "x.csv",
            lambda root: write(root / "x.csv", "path,label,split\na.jpg,cat,train\nb.jpg,cat,\n"),
            "some images have a split and others have none; found 1 without",
        ),
        ("x.csv", lambda root: (root / "x.csv").write_bytes(b"\xff\xfe\x00"), "cannot read this file"),
        ("x.parquet", lambda root: write(root / "x.parquet", "no"), "cannot read this Parquet file"),
        ("x.parquet", lambda root: parquet(root / "x.parquet", image=[b"x"]), "no column label; found image"),
        (
            "x.parquet",
            lambda root: parquet(root / "x.parquet", image=[b"x"], label=[0]),
            "row 0: a label without a class name; found 0; allowed: class names; numbers only with",
        ),
        (
            "x.parquet",
            lambda root: parquet(root / "x.parquet", {"classnames": '["a"]'}, image=[b"x"], label=[1]),
            "row 0: a label without a class name; found 1; allowed: 0 to 0",
        ),
        (
            "x.parquet",
            lambda root: parquet(root / "x.parquet", {"classnames": '"a"'}, image=[b"x"], label=[0]),
            "`classnames` must be a list of names",
        ),
        (
            "x.parquet",
            lambda root: parquet(root / "x.parquet", {"template": "a photo"}, image=[b"x"], label=["a"]),
            "`template` must be a JSON text with {}; found a photo",
        ),
        ("x.parquet", lambda root: parquet(root / "x.parquet", image=[None], label=["a"]), "row 0: no image"),
        ("./x", lambda root: saved(root, {}), "no list of data files"),
        ("./x", lambda root: saved(root, []), "not a mapping"),
        (
            "./x",
            lambda root: saved(root, {"_data_files": [{"filename": "a.arrow"}]}),
            "cannot read this Arrow file",
        ),
        (
            "./x",
            lambda root: saved(root, {"_data_files": [], "_indices_data_files": [{"filename": "i.arrow"}]}),
            "a selection of rows that is not written out",
        ),
        ("torchvision:MNIST", lambda root: None, "torchvision cannot open this dataset: Dataset not found"),
        ("torchvision:FakeData", lambda root: None, "no train and test split"),
    ],
)
def test_what_does_not_fit_is_told(name, make, message, tmp_path) -> None:
    make(tmp_path)
    with pytest.raises(UserError, match=message):
        load_dataset(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("caltech-101", "caltech101"),
        ("Flowers102", "oxford_flowers"),
        ("ImageNet-A", "imagenet_a"),
        ("torchvision:cifar10", "torchvision:CIFAR10"),
        ("clip-art", "clipart"),
    ],
)
def test_an_unknown_name_tells_the_nearest(name, near) -> None:
    with pytest.raises(UserError) as caught:
        check_name(name)
    assert caught.value.problems[0].nearest == near


@pytest.mark.parametrize(
    "name", ["./x", "data/x", "~/x", "/x", "x.csv", "x.PARQUET", "torchvision:CIFAR10", "dtd"]
)
def test_names_that_may_be_right_are_not_looked_up(name) -> None:
    check_name(name)


def test_numbers_with_equal_names_stay_two_classes(tmp_path) -> None:
    """ImageNet has two classes called missile."""
    table = {"image": [b"a", b"b", b"c", b"d"], "label": [0, 1, 0, 1], "split": ["train"] * 2 + ["test"] * 2}
    parquet(tmp_path / "x.parquet", {"classnames": '["missile", "missile"]'}, **table)
    assert list(labels_of(load_dataset("x.parquet", tmp_path).test)) == [0, 1]
