"""`nemesis-sweep datasets`: the list, the check of one on disk, the download."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.data.catalogue import CATALOGUE
from nemesis_sweep.data.fetch import fetchable_names
from tests.data import layouts, own_data


def call(*arguments: str | Path):
    return CliRunner().invoke(main, ["datasets", *map(str, arguments)])


@pytest.fixture
def small(monkeypatch):
    """Publish the sizes of the small datasets that the builders make."""

    def publish(name: str, classes: int, images: tuple[int, int, int]) -> None:
        monkeypatch.setitem(CATALOGUE, name, replace(CATALOGUE[name], classes=classes, images=images))

    return publish


def test_the_list_tells_what_is_found_and_needs_no_torch(tmp_path) -> None:
    layouts.ALL["eurosat"][0](tmp_path)
    layouts.ALL["fgvc_aircraft"][1](tmp_path)
    script = (
        "import sys\nfrom nemesis_sweep.cli import main\n"
        f"main(['datasets', '--root', {str(tmp_path)!r}, '--json'], standalone_mode=False)\n"
        "sys.exit(bool({'torch', 'torchvision', 'scipy'} & sys.modules.keys()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    rows = {row["name"]: row for row in told["datasets"]}
    assert told["root"] == str(tmp_path)
    assert rows["eurosat"] == {
        "name": "eurosat",
        "classes": 10,
        "train": 13500,
        "val": 5400,
        "test": 8100,
        "folder": "eurosat",
        "found": "CoOp's split_zhou_EuroSAT.json",
    }
    assert rows["fgvc_aircraft"]["folder"] == "fgvc-aircraft-2013b/data"
    assert rows["imagenet"]["found"] is None
    assert (rows["digits"]["classes"], rows["digits"]["found"]) == (10, "shipped")
    assert set(CATALOGUE) < set(rows)


def test_the_table_names_every_dataset(tmp_path) -> None:
    output = call("--root", tmp_path).output
    assert all(name in output for name in CATALOGUE)
    assert "1281167" in output


def test_a_whole_dataset_ends_with_0(tmp_path, small) -> None:
    layouts.ALL["eurosat"][0](tmp_path)
    small("eurosat", 3, (30, 12, 18))
    result = call("check", "eurosat", "--root", tmp_path)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "eurosat: CoOp's split_zhou_EuroSAT.json",
        f"folder: {tmp_path}/eurosat",
        "classes: 3 (published: 3)",
        "train: 30 (published: 30)",
        "val: 12 (published: 12)",
        "test: 18 (published: 18)",
        "fewest training images in a class: 10 (first kind)",
        "images that cannot be used: 0 missing, 0 truncated, 0 unreadable",
    ]


def test_less_than_is_published_ends_with_2(tmp_path) -> None:
    layouts.ALL["eurosat"][0](tmp_path)
    result = call("check", "eurosat", "--root", tmp_path)
    assert result.exit_code == 2
    assert "train: 30 of 13500" in result.stdout


@pytest.mark.parametrize(
    ("classes", "images", "line"),
    [
        (3, (30, 12, 17), "test: 18 instead of 17"),
        (2, (30, 12, 18), "classes: 3 instead of 2"),
    ],
)
def test_more_than_is_published_ends_with_2(tmp_path, small, classes, images, line) -> None:
    layouts.ALL["eurosat"][0](tmp_path)
    small("eurosat", classes, images)
    result = call("check", "eurosat", "--root", tmp_path)
    assert result.exit_code == 2
    assert line in result.stdout.splitlines()


@pytest.mark.parametrize(
    ("name", "layout"), [(name, at) for name, builders in layouts.ALL.items() for at in range(len(builders))]
)
def test_every_layout_is_counted_and_its_images_are_opened(name, layout, tmp_path) -> None:
    layouts.ALL[name][layout](tmp_path)
    result = call("check", name, "--root", tmp_path, "--json")
    told = json.loads(result.stdout)
    # Of the layouts that give the published split, the small ones have too few images.
    assert result.exit_code == (0 if told["published"] is None else 2)
    assert sum(told["images"].values()) > 0
    assert told["decoded"] and told["flaws"] == []


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_dataset_that_is_not_there_shows_where_it_belongs(name, tmp_path) -> None:
    result = call("check", name, "--root", tmp_path)
    assert result.exit_code == 2
    for layout in CATALOGUE[name].layouts:
        assert f"{layout.folder}/{layout.needs[0]}  (missing)" in result.stderr


def test_another_division_is_not_compared_with_the_published_one(tmp_path) -> None:
    layouts.ALL["eurosat"][1](tmp_path)
    result = call("check", "eurosat", "--root", tmp_path, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert told["published"] is None
    assert told["images"] == {"train": 20, "val": 8, "test": 12}
    assert told["fewest_in_a_class"] == {"class": "Annual Crop Land", "train": 10}
    assert told["flaws"] == []


def test_flaws_are_named_and_end_with_2(tmp_path) -> None:
    own_data.class_folders_in_splits(tmp_path)
    gone, broken = (
        tmp_path / "mine" / name for name in ("test/second/image_0001.jpg", "train/second/image_0001.jpg")
    )
    (tmp_path / "mine.csv").write_text("path,label,split\nmine/no.jpg,cat,train\nmine/no.jpg,dog,test\n")
    broken.write_bytes(b"no image")
    result = call("check", "./mine", "--root", tmp_path)
    assert result.exit_code == 2
    assert f"  unreadable (train): {broken}: not an image" in result.stdout
    assert "images that cannot be used: 0 missing, 0 truncated, 1 unreadable" in result.stdout
    assert call("check", "./mine", "--root", tmp_path, "--no-decode").exit_code == 0
    missing = call("check", "mine.csv", "--root", tmp_path, "--no-decode")
    assert missing.exit_code == 2
    assert f"  missing (test): {tmp_path}/mine/no.jpg: no such file" in missing.stdout
    assert gone.exists()


def test_notes_and_twins_are_printed_and_lines_are_not_broken(tmp_path) -> None:
    own_data.class_folders_in_splits(tmp_path)
    (tmp_path / "mine" / "a\nb.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    broken = tmp_path / "mine/train/second/x\n\x1b[31m.jpg"
    broken.write_bytes(b"no image")
    result = call("check", "./mine", "--root", tmp_path)
    assert r"note: left out beside the class folders: 1 file, 1 image among them (a\nb.png)" in result.stdout
    twins = [line for line in result.stdout.splitlines() if "the same image" in line]
    assert [line.partition(" (")[0] for line in twins] == [
        "note: the same image in train and test: 6 images",
        "note: the same image in train, val and test: 12 images",
    ]
    assert r"train/second/x\n\u001b[31m.jpg: not an image" in result.stdout
    told = json.loads(call("check", "./mine", "--root", tmp_path, "--json").stdout)
    assert told["notes"][0].startswith("left out beside the class folders")
    twin = next(twin for twin in told["twins"] if twin["split"] == "test")
    assert (twin["source"], twin["first_split"]) == ("test/first_kind/image_0000.jpg", "train")


def test_what_is_not_there_shows_the_layouts(tmp_path) -> None:
    result = call("check", "sun397", "--root", tmp_path)
    assert result.exit_code == 2
    assert "error: tasks.root: SUN397 is not there" in result.stderr
    assert "    sun397/split_zhou_SUN397.json  (missing)" in result.stderr.splitlines()
    assert "Traceback" not in result.output


def test_fetch_downloads_with_torchvision_and_only_what_is_missing(tmp_path, monkeypatch) -> None:
    calls = []

    def download(root: str, split: str = "train", download: bool = False) -> None:
        calls.append((root, split, download))
        layouts.textures("dtd/dtd", Path(root))

    monkeypatch.setattr("torchvision.datasets.DTD", download)
    assert call("check", "dtd", "--root", tmp_path / "data").exit_code == 2
    assert calls == []
    result = call("fetch", "dtd", "--root", tmp_path / "data")
    assert result.exit_code == 0, result.output
    assert calls == [(str(tmp_path / "data"), split, True) for split in ("train", "test")]
    assert call("fetch", "dtd", "--root", tmp_path / "data").exit_code == 0
    assert len(calls) == 2


def test_fetch_of_a_torchvision_set_that_is_there_downloads_nothing(tmp_path, monkeypatch) -> None:
    def no_network(*args: object, **kwargs: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    name = own_data.torchvision_images(tmp_path)
    assert call("fetch", name, "--root", tmp_path).exit_code == 0


@pytest.mark.parametrize("name", [name for name in fetchable_names() if name != "caltech101"])
def test_a_download_that_fails_is_one_clear_error(name, tmp_path, monkeypatch) -> None:
    """Torchvision's own classes, up to the network. Caltech101 needs gdown, which is not installed."""

    def no_network(*args: object, **kwargs: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    result = call("fetch", name, "--root", tmp_path)
    assert result.exit_code == 2
    assert "the download failed: <urlopen error no network>; found torchvision's" in result.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "ucf101",
            "torchvision cannot download this dataset; found ucf101; allowed: caltech101, oxford_pets",
        ),
        ("clipart", "this dataset ships with the package, so there is nothing to download"),
        ("torchvision:ImageNet", "torchvision cannot download this dataset"),
        ("dtt", "Did you mean 'dtd'?"),
    ],
)
def test_what_cannot_be_fetched_is_told(name, message, tmp_path) -> None:
    result = call("fetch", name, "--root", tmp_path)
    assert result.exit_code == 2
    assert message in result.stderr
