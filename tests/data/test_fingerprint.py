"""What a dataset's fingerprint depends on."""

from dataclasses import replace
from pathlib import Path

import pytest

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.files import FileItems
from nemesis_sweep.data.fingerprint import fingerprint

ROWS = {"train": [("a/1.jpg", 0), ("b/2.jpg", 1)], "val": [("a/3.jpg", 0)], "test": [("b/4.jpg", 1)]}


def listed(root: str, rows=ROWS, names=("a", "b")) -> Dataset:
    folder = Path(root)
    splits = {split: FileItems(folder / "images", each) for split, each in rows.items()}
    return Dataset("x", names, "a {}.", splits, "given", folder)


def test_it_is_that_of_the_items_one_by_one() -> None:
    data = listed("/here")
    plain = replace(data, splits={split: list(items) for split, items in data.splits.items()})
    assert fingerprint(plain) == fingerprint(data)
    assert data.local(data.train[0]) == "images/a/1.jpg"


def test_the_root_and_the_name_have_no_part_in_it() -> None:
    assert fingerprint(replace(listed("/there"), name="y")) == fingerprint(listed("/here"))


@pytest.mark.parametrize(
    "other",
    [
        listed("/here", names=("a", "c")),
        listed("/here", {**ROWS, "train": ROWS["train"][::-1]}),
        listed("/here", {**ROWS, "val": [("a/3.jpg", 1)]}),
        listed("/here", {**ROWS, "val": [], "test": ROWS["val"] + ROWS["test"]}),
        listed("/here", {**ROWS, "test": [("b/5.jpg", 1)]}),
    ],
)
def test_names_labels_order_and_splits_have(other) -> None:
    assert fingerprint(other) != fingerprint(listed("/here"))


def test_images_in_memory_count_by_their_content() -> None:
    def held(content: bytes) -> Dataset:
        return replace(
            listed("/here"), splits={**ROWS, "train": [Item(0, "x", content)], "val": [], "test": []}
        )

    assert fingerprint(held(b"1")) == fingerprint(held(b"1"))
    assert fingerprint(held(b"1")) != fingerprint(held(b"2"))
