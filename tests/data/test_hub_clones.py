"""Tables as the hub keeps them: where Parquet files lie in a clone, and which parts make which splits."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.messages.errors import UserError
from tests.data.layouts import jpeg

NAMES = ("cat", "dog")
METADATA = {"huggingface": json.dumps({"info": {"features": {"label": {"names": NAMES}}}})}


def table(rows: int = 6) -> pa.Table:
    images = [{"bytes": f"{number}".encode(), "path": None} for number in range(2 * rows)]
    return pa.table({"image": images, "label": [0, 1] * rows}).replace_schema_metadata(METADATA)


def clone(root: Path, *files: str) -> Path:
    """A clone with a few rows in each file, and what else lies in one."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table(), root / file)
    (root / "README.md").write_text("---\nconfigs: []\n---\n")
    (root / ".git").mkdir()
    (root / ".gitattributes").write_text("*.parquet filter=lfs\n")
    return root


def counts(root: Path) -> tuple[int, ...]:
    return tuple(map(len, load_dataset(str(root)).splits.values()))


TRAIN = "train-00000-of-00001.parquet"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([TRAIN], (6, 2, 4)),
        ([f"data/{TRAIN}"], (6, 2, 4)),
        (["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"], (12, 4, 8)),
        ([f"data/{TRAIN}", "data/test-00000-of-00001.parquet"], (10, 2, 12)),
        ([f"data/{TRAIN}", "data/validation-00000-of-00001.parquet"], (10, 2, 12)),
        (["data/train.parquet", "data/dev.parquet", "data/testing.parquet"], (12, 12, 12)),
        ([f"plain_text/{TRAIN}", "plain_text/test-00000-of-00001.parquet"], (10, 2, 12)),
        (["default/train/0000.parquet", "default/test/0000.parquet"], (10, 2, 12)),
        (["train/0000.parquet", "test/0000.parquet"], (10, 2, 12)),
        (["cifar10/partial-train/0000.parquet", "cifar10/test/0000.parquet"], (10, 2, 12)),
        (["data/mine_train_0.parquet", "data/mine_test_0.parquet"], (10, 2, 12)),
        (["data/test-00000-of-00001.parquet"], (0, 0, 12)),
        (["data/all.parquet"], (6, 2, 4)),
    ],
    ids=str,
)
def test_files_are_found_and_their_names_tell_the_split(files, expected, tmp_path) -> None:
    assert counts(clone(tmp_path, *files)) == expected


def test_several_configurations_are_refused_with_their_paths(tmp_path) -> None:
    clone(tmp_path, f"small/{TRAIN}", f"large/{TRAIN}")
    with pytest.raises(
        UserError, match=r"several configurations; found large, small; allowed: .*, such as .*/large"
    ):
        load_dataset(str(tmp_path))
    assert counts(tmp_path / "large") == (6, 2, 4)


def test_other_configurations_beside_the_usual_one_are_told(tmp_path) -> None:
    clone(tmp_path, f"data/{TRAIN}", f"large/{TRAIN}")
    assert load_dataset(str(tmp_path)).notes == ("left out, other configurations: large",)


def test_folders_beside_parquet_files_are_told(tmp_path) -> None:
    jpeg(clone(tmp_path, TRAIN) / "images" / "cat" / "0.jpg")
    assert load_dataset(str(tmp_path)).notes == ("left out, folders beside the Parquet files: images",)


@pytest.mark.parametrize("place", ["", "data/"])
def test_numbered_files_that_are_not_there_are_told(place, tmp_path) -> None:
    clone(tmp_path, *(f"{place}train-{number:05}-of-00004.parquet" for number in (0, 2)))
    missing = f"2 of 4 files {place}train-*-of-00004.parquet are not there, the first is number 1"
    assert load_dataset(str(tmp_path)).notes == (missing,)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("label", pa.Array.from_buffers(pa.string(), 12, pa.array([b"\xff"] * 12).buffers())),
        ("source", pa.array([2**62] * 12, pa.timestamp("ms"))),
    ],
    ids=["letters", "dates"],
)
def test_values_that_python_does_not_have_are_told_by_column(column, values, tmp_path) -> None:
    columns = dict(zip(("image", "label"), table().columns, strict=True)) | {column: values}
    pq.write_table(pa.table(columns), tmp_path / "mine.parquet")
    with pytest.raises(UserError, match=rf"mine\.parquet: {column}: cannot read this column"):
        load_dataset(str(tmp_path / "mine.parquet"))


def test_a_pointer_in_place_of_the_file_is_told(tmp_path) -> None:
    clone(tmp_path, f"data/{TRAIN}")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    (tmp_path / "data" / TRAIN).write_text(pointer)
    with pytest.raises(
        UserError, match=r"cannot read this Parquet file: a Git LFS pointer .* `git lfs pull`"
    ):
        load_dataset(str(tmp_path))


@pytest.mark.parametrize("file", ["x.parquet", "x.csv", "x/state.json", "x/train.parquet"])
def test_a_table_that_is_no_file_is_refused_at_once(file, tmp_path) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"cannot read this .*: a device, not a file"):
        load_dataset(str(path.parent if path.parent.name == "x" else path))


def saved(root: Path, *parts: str) -> Path:
    """What `DatasetDict.save_to_disk` writes."""
    for part in parts:
        (root / part).mkdir(parents=True)
        with pa.ipc.new_stream(root / part / "data.arrow", table().schema) as writer:
            writer.write_table(table())
        (root / part / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
    (root / "dataset_dict.json").write_text(json.dumps({"splits": parts}))
    return root


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["train"], (6, 2, 4)),
        (["full"], (6, 2, 4)),
        (["train", "validation"], (10, 2, 12)),
        (["train", "test"], (10, 2, 12)),
        (["test"], (0, 0, 12)),
    ],
    ids=str,
)
def test_the_same_rule_for_saved_parts(parts, expected, tmp_path) -> None:
    assert counts(saved(tmp_path, *parts)) == expected


def test_a_part_of_another_name_is_told(tmp_path) -> None:
    assert load_dataset(str(saved(tmp_path, "train", "test", "unlabelled"))).notes == (
        "left out, splits of other names: unlabelled",
    )
    with pytest.raises(UserError, match="no split that is known; found extra, full; allowed: train"):
        load_dataset(str(saved(tmp_path / "other", "extra", "full")))


@pytest.mark.parametrize("splits", [None, "train", [], [1], [""]], ids=str)
def test_a_list_of_parts_that_is_none_is_refused(splits, tmp_path) -> None:
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
    with pytest.raises(UserError):
        load_dataset(str(tmp_path))


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "\0"], ids=["deep", "cut", "nul"])
def test_a_list_that_is_no_json_is_refused(text, tmp_path) -> None:
    (tmp_path / "dataset_dict.json").write_text(text)
    with pytest.raises(UserError, match="cannot read this file: "):
        load_dataset(str(tmp_path))


@pytest.mark.parametrize("path", ["a\0b.jpg", "~nobody-has-this-name/a.jpg"])
def test_a_path_that_is_none_is_no_traceback(path, tmp_path) -> None:
    from nemesis_sweep.data.inspection import flaws

    file = tmp_path / "x.csv"
    file.write_text(f"path,label\n{path},cat\nb.jpg,dog\n")
    try:
        dataset = load_dataset(str(file))
    except UserError as error:
        assert "\0" in path and "not a path" in str(error)
    else:
        assert [flaw.kind for flaw in flaws(dataset)] == ["missing", "missing"]
