"""The embedded image sets: their schema, their splits, and that nothing crosses from one split to another."""

from __future__ import annotations

import io
import json
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import nemesis_sweep.embedded
from nemesis_sweep.embedded.make.groups import near_duplicates, series_key, thumbnails

FOLDER = Path(nemesis_sweep.embedded.__file__).parent
SETS = ("clipart", "clipart_ink", "emoji", "emoji_streamline", "digits")
TEST_VENDORS = {"emoji": "fluent-emoji-flat", "emoji_streamline": "streamline-emojis"}


@cache
def read(name: str) -> pa.Table:
    return pq.read_table(FOLDER / f"{name}.parquet")


def metadata(name: str) -> dict[str, object]:
    found = read(name).schema.metadata
    return {key.decode(): json.loads(value) for key, value in found.items()}


@cache
def pictures(name: str) -> np.ndarray:
    opened = [Image.open(io.BytesIO(b)).convert("RGB") for b in read(name)["image"].to_pylist()]
    return np.stack([np.asarray(p) for p in opened])


def rows_of(name: str, *splits: str) -> np.ndarray:
    return np.flatnonzero(np.isin(read(name)["split"].to_pylist(), splits))


@pytest.mark.parametrize("name", SETS)
def test_schema(name: str) -> None:
    assert {f.name: f.type for f in read(name).schema} == {
        "image": pa.binary(),
        "label": pa.int32(),
        "split": pa.string(),
        "source": pa.string(),
    }


@pytest.mark.parametrize("name", SETS)
def test_metadata_names_classes_template_and_licence(name: str) -> None:
    found = metadata(name)
    classnames, labels = found["classnames"], set(read(name)["label"].to_pylist())
    assert isinstance(classnames, list)
    assert labels == set(range(len(classnames)))
    assert len(set(classnames)) == len(classnames)
    assert str(found["template"]).count("{}") == 1
    assert found["license"] and found["description"]


@pytest.mark.parametrize("name", SETS)
def test_every_class_has_sixteen_shots_and_four_for_validation(name: str) -> None:
    table = read(name)
    counts = Counter(zip(table["label"].to_pylist(), table["split"].to_pylist(), strict=True))
    for label in set(table["label"].to_pylist()):
        assert counts[label, "train"] >= 16
        assert counts[label, "val"] >= 4
        assert counts[label, "test"] >= 3


@pytest.mark.parametrize("name", SETS)
def test_one_test_picture_is_at_most_three_tenths_of_a_point(name: str) -> None:
    assert len(rows_of(name, "test")) >= 334


@pytest.mark.parametrize("name", SETS)
def test_no_picture_or_source_is_in_two_splits(name: str) -> None:
    table = read(name)
    columns = [table["source"].to_pylist()]
    if name != "clipart_ink":  # two drawings may have one stencil
        columns.append([p.tobytes() for p in pictures(name)])
    for column in columns:
        splits: dict[object, set[str]] = {}
        for value, split in zip(column, table["split"].to_pylist(), strict=True):
            splits.setdefault(value, set()).add(split)
        assert all(len(found) == 1 for found in splits.values())


@pytest.mark.parametrize("held_out, others", [("test", ("train", "val")), ("val", ("train",))])
def test_clipart_has_no_near_duplicates_across_splits(held_out: str, others: tuple[str, ...]) -> None:
    thumbs = thumbnails(pictures("clipart"))
    here, there = rows_of("clipart", held_out), rows_of("clipart", *others)
    assert list(near_duplicates(thumbs[here], thumbs[there])) == []


def test_clipart_has_no_numbered_series_across_splits() -> None:
    table = read("clipart")
    sides: dict[str, set[str]] = {}
    for source, split in zip(table["source"].to_pylist(), table["split"].to_pylist(), strict=True):
        sides.setdefault(series_key(source.rpartition("/")[2]), set()).add(split)
    assert [key for key, found in sides.items() if len(found) > 1] == []


@pytest.mark.parametrize("name, vendor", TEST_VENDORS.items())
def test_emoji_test_pictures_are_all_of_the_unseen_vendor(name: str, vendor: str) -> None:
    table = read(name)
    vendors: dict[str, set[str]] = {}
    for source, split in zip(table["source"].to_pylist(), table["split"].to_pylist(), strict=True):
        vendors.setdefault(split, set()).add(source.partition(":")[0])
    assert vendors["test"] == {vendor}
    assert vendors["train"] | vendors["val"] == {"noto-v1", "twemoji", "emojione"}


@pytest.mark.parametrize("name", TEST_VENDORS)
def test_emoji_train_and_val_share_no_emoji(name: str) -> None:
    table = read(name)
    names: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    for source, split in zip(table["source"].to_pylist(), table["split"].to_pylist(), strict=True):
        names[split].add(source.partition(":")[2])
    assert not names["train"] & names["val"]


def test_the_ink_is_black_and_white_and_draws_what_the_clip_art_shows() -> None:
    assert set(np.unique(pictures("clipart_ink"))) == {0, 255}
    for column in ("label", "split", "source"):
        assert read("clipart_ink")[column].equals(read("clipart")[column])
    assert metadata("clipart_ink")["classnames"] == metadata("clipart")["classnames"]


def test_the_second_vendor_has_classes_of_the_first_under_the_same_names() -> None:
    first, second = (metadata(name)["classnames"] for name in TEST_VENDORS)
    assert isinstance(first, list) and isinstance(second, list)
    assert set(second) < set(first)


def test_the_files_are_small() -> None:
    assert sum((FOLDER / f"{name}.parquet").stat().st_size for name in SETS) <= 12e6


def test_licences_and_sources_are_told() -> None:
    text = (FOLDER / "PROVENANCE.md").read_text()
    for word in (
        "Open Clip Art",
        "Noto",
        "Twemoji",
        "Emoji One",
        "Fluent",
        "IconPark",
        "Material Design Icons",
    ):
        assert word in text
    for licence in ("Apache-2.0", "CC-BY-4.0", "CC-BY-3.0", "MIT", "public domain"):
        assert licence in text
