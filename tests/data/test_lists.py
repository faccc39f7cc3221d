"""Lists that are damaged, hostile or no files: one clear error, or an image that cannot be used."""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nemesis_sweep.data.inspection import flaws
from nemesis_sweep.data.lists import MAX_BYTES
from nemesis_sweep.data.protocols import arrange
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.data.skipping import pictures
from nemesis_sweep.data.twins import twins_of
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.tasks import Task
from tests.data.layouts import jpeg

GOOD = [["0.jpg", 0, "cat"], ["1.jpg", 1, "dog"]]


def eurosat(root, train, text=None):
    for number in range(2):
        jpeg(root / f"eurosat/2750/{number}.jpg")
    text = json.dumps({"train": train, "val": GOOD, "test": GOOD}) if text is None else text
    path = root / "eurosat" / "split_zhou_EuroSAT.json"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("path", "kind", "reason"),
    [
        ("\0.jpg", "unreadable", "not a path"),
        ("\ud800.jpg", "unreadable", "not a path"),
        ("/dev/zero", "unreadable", "a device, not a file"),
        ("a" * 300, "unreadable", "File name too long"),
        ("1.jpg/2.jpg", "missing", "no such file"),
        ("", "unreadable", "a folder, not a file"),
    ],
    ids=ascii,
)
def test_a_path_that_leads_to_no_image_is_an_image_that_cannot_be_used(path, kind, reason, tmp_path) -> None:
    eurosat(tmp_path, [[path, 0, "cat"], GOOD[1]])
    dataset = load_dataset("eurosat", tmp_path)
    for decode in (True, False):
        assert [(flaw.kind, flaw.reason) for flaw in flaws(dataset, decode)] == [(kind, reason)]
    assert twins_of(dataset.train, dataset.test, dataset.local)
    task = Task("icon-clip", "eurosat", 1, "few_shot", str(tmp_path))
    for item in pictures(arrange(task, [1], lambda name: dataset)).values():
        try:
            assert len(item.key) == 64
        except OSError as error:
            assert path in str(item.path) and error


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["0.jpg", float("inf"), "cat"], r"train\[0\]: not a row"),
        (["0.jpg", float("nan"), "cat"], r"train\[0\]: not a row"),
        (["0.jpg"], r"train\[0\]: not a row"),
        (7, r"train\[0\]: not a row"),
        (["0.jpg", 10**30, "cat"], "labels with gaps"),
        (["0.jpg", 0, "fox"], "label 0 has two names"),
    ],
    ids=str,
)
def test_a_row_that_is_none_is_refused(row, message, tmp_path) -> None:
    eurosat(tmp_path, [row, GOOD[1]])
    with pytest.raises(UserError, match=message):
        load_dataset("eurosat", tmp_path)


@pytest.mark.parametrize("name", ["", " _ ", "ca\ud800t", "ca\x1b[31mt"], ids=ascii)
def test_a_class_name_that_cannot_be_printed_is_refused(name, tmp_path) -> None:
    rows = [["0.jpg", 0, name], GOOD[1]]
    eurosat(tmp_path, [], json.dumps({"train": rows, "val": [], "test": []}))
    with pytest.raises(UserError, match="a class name that is none; found"):
        load_dataset("eurosat", tmp_path)


@pytest.mark.parametrize("kind", ["zero", "pipe", "huge", "folder", "deep"])
def test_a_list_that_is_no_list_is_refused_at_once(kind, tmp_path) -> None:
    path = eurosat(tmp_path, GOOD)
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("[" * 200_000)
        os.truncate(path, MAX_BYTES + 1 if kind == "huge" else 200_000)
    with pytest.raises(UserError, match=r"cannot read this split file: (a |larger than|nested too deeply)"):
        load_dataset("eurosat", tmp_path)


def test_a_class_of_the_catalogue_without_images_is_told(tmp_path) -> None:
    for name in ("AnnualCrop", "Forest"):
        for number in range(4):
            jpeg(tmp_path / "eurosat/2750" / name / f"{number}.jpg")
    (tmp_path / "eurosat/2750/River").mkdir()
    assert load_dataset("eurosat", tmp_path).notes == ("1 class without images: 'River'",)


@pytest.mark.parametrize("template", ["a {} and {0}", "a {} {x}", "a {} {", "{} }"])
def test_a_template_with_other_braces_is_a_text(template, tmp_path) -> None:
    table = pa.table({"image": [b"a", b"b"], "label": ["cat", "dog"]})
    pq.write_table(table.replace_schema_metadata({"template": json.dumps(template)}), tmp_path / "x.parquet")
    dataset = load_dataset("x.parquet", tmp_path)
    assert dataset.zero_shot_texts()[0] == template.replace("{}", "cat")
