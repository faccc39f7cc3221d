"""Class folders as people have them: nothing is lost without a word, and what is no class is none."""

import os
import shutil
from pathlib import Path

import pytest

from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.messages.errors import UserError
from tests.data.layouts import THREE, folders, jpeg


def mine(root: Path, *names: str, count: int = 6) -> Path:
    for name in names:
        for number in range(count):
            jpeg(root / "mine" / name / f"{number}.jpg")
    return root / "mine"


def read(place: Path):
    return load_dataset(str(place))


def images(dataset) -> int:
    return sum(len(items) for items in dataset.splits.values())


def refused(place: Path) -> str:
    with pytest.raises(UserError) as caught:
        read(place)
    return str(caught.value)


def test_images_deeper_in_a_class_folder_are_of_its_class_and_told(tmp_path) -> None:
    place = mine(tmp_path, "red", "green", "blue/batch0", "blue/batch1/more", count=3)
    dataset = read(place)
    assert dataset.classnames == ("blue", "green", "red")
    assert images(dataset) == 12
    assert dataset.notes == (
        "images in folders inside a class folder belong to its class: blue (6 in batch0, batch1)",
    )


@pytest.mark.parametrize("name", ["{}.jfif", "{}.JPE", "{}.jpg_large", "{}", "{}.jpg.1"])
def test_an_image_is_known_by_its_content_and_told(name, tmp_path) -> None:
    place = mine(tmp_path, "red", "green", "blue")
    for path in (place / "blue").iterdir():
        path.rename(path.with_name(name.format(path.stem)))
    dataset = read(place)
    assert images(dataset) == 18
    assert dataset.notes[0].startswith(
        f"images with unusual endings are read: 6 files (blue/{name.format(0)},"
    )


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def test_a_class_of_images_that_cannot_be_read_here_is_refused_with_the_reason(tmp_path) -> None:
    place = mine(tmp_path, "red", "green", "blue", "empty", "notes")
    for path in (place / "blue").iterdir():
        path.rename(path.with_suffix(".heic"))
        path.with_suffix(".heic").write_bytes(HEIC)
    for name in ("empty", "notes"):
        shutil.rmtree(place / name)
        (place / name).mkdir()
    (place / "notes" / "a.txt").write_text("no image")
    told = refused(place)
    assert "class folders without images; found 'blue' (6 HEIC, which cannot be read here)" in told
    assert "'empty' (empty), 'notes' (1 file that is no image); allowed: images in every class folder" in told


def test_some_images_that_cannot_be_read_here_are_told(tmp_path) -> None:
    place = mine(tmp_path, "red", "green")
    (place / "red" / "x.heic").write_bytes(HEIC)
    (place / "red" / "y.svg").write_text("<svg/>")
    (place / "red" / "z.txt").write_text("no image")
    assert read(place).notes == (
        "left out, for they cannot be read here: 1 HEIC, 1 SVG (red/x.heic, red/y.svg)",
        "left out, for they are no images: 1 file (red/z.txt)",
    )


def test_a_class_that_only_a_split_lacks_is_told_and_not_lost(tmp_path) -> None:
    place = mine(tmp_path, "train/red", "train/blue", "test/red", "val/red", "val/blue")
    (place / "test/blue").mkdir()
    dataset = read(place)
    assert dataset.classnames == ("blue", "red")
    assert dataset.notes == (
        "class folders without images: test/blue",
        "1 class without images in test: 'blue'",
    )


def test_files_beside_class_folders_are_named(tmp_path) -> None:
    place = mine(tmp_path, "train/red", "train/blue", "test/red", "test/blue")
    jpeg(place / "cover.jpg")
    jpeg(place / "test" / "0001.jpg")
    (place / "labels.csv").write_text("a,b\n")
    assert read(place).notes == (
        "left out beside the class folders: 3 files, 2 images among them "
        "(cover.jpg, labels.csv, test/0001.jpg)",
    )


def test_links_that_lead_nowhere_are_named(tmp_path) -> None:
    place = mine(tmp_path, "red", "blue")
    (place / "green").symlink_to(tmp_path / "gone")
    (place / "red" / "more").symlink_to(tmp_path / "gone" / "more")
    assert read(place).notes == ("left out, for they lead nowhere: 2 links (green, red/more)",)


def test_a_test_without_class_folders_is_told_and_train_is_divided(tmp_path) -> None:
    place = mine(tmp_path, "train/red", "train/blue")
    for number in range(4):
        jpeg(place / "test" / f"{number}.jpg")
    dataset = read(place)
    assert [len(items) for items in dataset.splits.values()] == [6, 2, 4]
    assert dataset.notes[0] == "splits without class folders are left out: test"
    assert dataset.notes[1].startswith("left out beside the class folders: 4 files, 4 images among them")


JUNK = ["__MACOSX/red/._0.jpg", ".ipynb_checkpoints/0.jpg", "red/.ipynb_checkpoints/0.jpg", "@eaDir/0.jpg"]
JUNK += ["red/Thumbs.db", "red/desktop.ini", "red/.DS_Store", ".DS_Store", "red/._1.jpg", ".git/config"]


@pytest.mark.parametrize("split", ["", "train/"])
def test_what_systems_leave_is_no_class_and_nobody_hears_of_it(split, tmp_path) -> None:
    place = mine(tmp_path, f"{split}red", f"{split}blue")
    for name in JUNK:
        jpeg(place / split / name)
        jpeg(place / name.removeprefix("red/"))
    dataset = read(place)
    assert (dataset.classnames, images(dataset), dataset.notes) == (("blue", "red"), 12, ())


def test_what_a_person_has_hidden_is_told(tmp_path) -> None:
    place = mine(tmp_path, "red", "blue", ".green")
    jpeg(place / "red" / ".best.jpg")
    dataset = read(place)
    assert (dataset.classnames, images(dataset)) == (("blue", "red"), 12)
    assert dataset.notes == ("left out, for they are hidden: 2 (.green/, red/.best.jpg)",)


def test_links_are_followed_once_and_never_round(tmp_path) -> None:
    place = mine(tmp_path, "red", "blue")
    outside = mine(tmp_path / "elsewhere", "green")
    (place / "green").symlink_to(outside / "green")
    (place / "red" / "self").symlink_to(place / "red")
    (place / "red" / "again").symlink_to(outside / "green")
    (place / "red" / "more").symlink_to(outside / "green")
    (place / "all").symlink_to(place)
    dataset = read(place)
    assert dataset.classnames == ("blue", "green", "red")
    assert images(dataset) == 24
    assert dataset.notes == (
        "images in folders inside a class folder belong to its class: red (6 in again)",
        "folders that lead back to what was counted are left out: all, red/more, red/self",
    )


def test_a_link_to_nothing_is_a_missing_image(tmp_path) -> None:
    place = mine(tmp_path, "red", "blue")
    (place / "red" / "9.jpg").symlink_to(place / "gone.jpg")
    assert images(read(place)) == 13


def test_a_link_to_itself_is_no_folder(tmp_path) -> None:
    place = mine(tmp_path, "red", "blue")
    (place / "loop").symlink_to("loop")
    (place / "red" / "loop").symlink_to("loop")
    dataset = read(place)
    assert (dataset.classnames, images(dataset)) == (("blue", "red"), 12)
    assert dataset.notes == ("left out, for they lead nowhere: 2 links (loop, red/loop)",)


def test_a_folder_with_the_name_of_an_image_is_a_folder(tmp_path) -> None:
    place = mine(tmp_path, "red", "blue", "red/9.jpg", count=2)
    assert images(read(place)) == 6


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["images"], "fewer than two classes; found 'images'; allowed: two or more: FOLDER/CLASS/image.jpg"),
        (
            ["images/cat", "images/dog"],
            "fewer than two classes; found 'images', and in it 'cat', 'dog'; allowed: .* or .*/images, if",
        ),
        (
            ["data/train/cat", "data/test/cat"],
            "splits inside class folders; found data/test; allowed: .*; or .*/mine/data, if",
        ),
        (["cat/train", "cat/test", "dog/train", "dog/test"], "splits inside class folders; found cat/test"),
        (["train/cat", "train/dog", "test/cat", "birds"], "class folders beside splits; found birds"),
        (
            ["train_set/cat", "train_set/dog", "test_set/cat"],
            "folders that look like splits; found test_set, train_set; allowed: FOLDER/CLASS/image.jpg, or "
            r"FOLDER/\{train,val,test\}/CLASS/image.jpg; rename them",
        ),
    ],
)
def test_a_path_that_is_a_level_off_is_refused_with_the_right_one(names, message, tmp_path) -> None:
    place = mine(tmp_path, *names)
    with pytest.raises(UserError, match=message):
        read(place)


def test_images_without_class_folders_are_counted_in_the_refusal(tmp_path) -> None:
    place = mine(tmp_path, ".")
    (place / "README.md").write_text("about")
    assert "no images in class folders; found 6 images beside them" in refused(place)


def test_one_rule_for_splits(tmp_path) -> None:
    """Train alone is divided; without train there is nothing to learn, but all to be tested on."""
    given = {
        "train": (6, 2, 4),
        "train val": (10, 2, 12),
        "train test": (10, 2, 12),
        "train val test": (12, 12, 12),
        "test": (0, 0, 12),
        "val": (0, 0, 12),
        "val test": (0, 12, 12),
    }
    for number, (splits, counts) in enumerate(given.items()):
        names = [f"{split}/{name}" for split in splits.split() for name in ("red", "blue")]
        dataset = read(mine(tmp_path / str(number), *names))
        assert tuple(map(len, dataset.splits.values())) == counts, splits


def test_a_name_that_is_no_text_is_refused(tmp_path) -> None:
    place = mine(tmp_path, "red", "blue")
    (place / "blue").rename(os.fsdecode(os.fsencode(place) + b"/caf\xe9"))
    assert r"a class name that is not UTF-8; found 'caf\udce9'" in refused(place)


def test_line_breaks_in_names_are_escaped(tmp_path) -> None:
    place = mine(tmp_path, "red", "blue")
    jpeg(place / "red" / "a\nb.txt")
    (place / "gre\nen\x1b[31m").mkdir()
    told = refused(place)
    assert "\n" not in told and "\x1b" not in told
    assert r"'gre\\nen\\x1b[31m' (empty)" in told or r"'gre\nen\x1b[31m' (empty)" in told


def test_flat_folders_are_as_they_were(tmp_path) -> None:
    """Literal values: the order of images decides the division and with it every few-shot episode."""
    folders("mine", ("b", "a"), tmp_path, 10)
    dataset = read(tmp_path / "mine")
    assert [dataset.local(item) for item in dataset.test] == [
        f"{name}/image_{number:04d}.jpg" for name in "ab" for number in (0, 9, 6)
    ]
    assert dataset.notes == ("left out, for they are no images: 2 files (a/README.txt, b/README.txt)",)


def test_folders_that_are_one_split_together_are_told(tmp_path) -> None:
    for split in ("train", "training", "test"):
        folders(f"mine/{split}", THREE, tmp_path)
    assert "folders that are train together: train, training" in read(tmp_path / "mine").notes
