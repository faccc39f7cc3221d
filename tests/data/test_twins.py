"""The same image in train and test, or under two classes, is told."""

import shutil
from operator import attrgetter

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.inspection import flaws
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.data.twins import Seen, told, twins_of
from tests.data import own_data


def spoilt(root):
    """A dataset with an image of train in test, and one under two classes."""
    own_data.class_folders_in_splits(root)
    mine = root / "mine"
    for path in mine.rglob("*.jpg"):
        path.write_bytes(path.read_bytes() + path.parts[-3].encode())
    shutil.copy(mine / "train/second/image_0003.jpg", mine / "test/second/copy.jpg")
    shutil.copy(mine / "train/second/image_0004.jpg", mine / "train/first_kind/wrong.jpg")
    return load_dataset(str(mine)), mine


def test_a_look_at_all_images_finds_them(tmp_path) -> None:
    dataset, _ = spoilt(tmp_path)
    seen = Seen(dataset.local)
    assert list(flaws(dataset, seen=seen)) == []
    assert told(seen.twins) == [
        "the same image in train and test: 1 image (test/second/copy.jpg is train/second/image_0003.jpg)",
        "the same image under two classes in train: 1 image "
        "(train/second/image_0004.jpg is train/first_kind/wrong.jpg)",
    ]


def test_an_image_in_all_splits_is_named_once(tmp_path) -> None:
    own_data.class_folders_in_splits(tmp_path)
    mine = tmp_path / "mine"
    for path in mine.rglob("*.jpg"):
        path.write_bytes(path.read_bytes() + path.parts[-3].encode())
    for split in ("Validation", "test"):
        shutil.copy(mine / "train/second/image_0003.jpg", mine / split / "second/copy.jpg")
    dataset = load_dataset(str(mine))
    seen = Seen(dataset.local)
    assert list(flaws(dataset, seen=seen)) == []
    assert told(seen.twins) == [
        "the same image in train, val and test: 1 image "
        "(Validation/second/copy.jpg and test/second/copy.jpg are train/second/image_0003.jpg)"
    ]


def test_what_is_learnt_is_found_in_the_test_without_reading_the_rest(tmp_path, monkeypatch) -> None:
    from nemesis_sweep.data import twins

    dataset, mine = spoilt(tmp_path)
    (mine / "test/second/image_0000.jpg").write_bytes(b"another size")
    read = []
    whole = twins.read_regular
    monkeypatch.setattr(twins, "read_regular", lambda path, most: read.append(path) or whole(path, most))
    found = twins_of(dataset.train, dataset.test, dataset.local)
    assert [(twin.source, twin.first_source) for twin in found] == [
        ("test/second/copy.jpg", "train/second/image_0003.jpg")
    ]
    assert mine / "test/second/image_0000.jpg" not in read


def test_images_in_memory_and_images_that_are_gone(tmp_path) -> None:
    learnt = [Item(0, "a", b"x"), Item(0, "gone", path=tmp_path / "gone")]
    name = attrgetter("source")
    tested = [Item(1, "b", b"x"), Item(0, "c", b"y"), Item(0, "gone too", path=tmp_path / "gone")]
    assert [(twin.source, twin.classes) for twin in twins_of(learnt, tested, name)] == [("b", True)]
