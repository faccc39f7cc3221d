"""Images that cannot be used are found and named, each for its own reason."""

import io

import numpy as np
import pytest
from PIL import Image

from nemesis_sweep.data.inspection import flaws
from nemesis_sweep.data.registry import load_dataset
from tests.data import own_data


def noise(kind: str) -> bytes:
    """An image large enough that a part of it is not all of it."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def mine(tmp_path):
    own_data.class_folders_in_splits(tmp_path)
    return tmp_path / "mine"


def test_each_flaw_has_its_kind(mine) -> None:
    spoilt = {
        "train/first_kind/image_0003.jpg": ("truncated", lambda path: path.write_bytes(noise("JPEG")[:-900])),
        "train/second/image_0000.jpg": ("truncated", lambda path: path.write_bytes(noise("PNG")[:-900])),
        "Validation/second/image_0001.jpg": ("unreadable", lambda path: path.write_bytes(b"")),
        "test/second/image_0002.jpg": ("unreadable", lambda path: path.write_text("<html>not found</html>")),
        "test/third_kind/image_0005.jpg": ("missing", lambda path: path.unlink()),
    }
    dataset = load_dataset(str(mine))
    for name, (_, spoil) in spoilt.items():
        spoil(mine / name)
    found = {flaw.source: flaw.kind for flaw in flaws(dataset)}
    assert found == {str(mine / name): kind for name, (kind, _) in spoilt.items()}
    assert [flaw.kind for flaw in flaws(dataset, decode=False)] == ["missing"]
    assert [flaw.split for flaw in flaws(dataset)] == ["train", "train", "val", "test", "test"]


def test_a_whole_dataset_has_none_and_tells_how_far_it_is(mine) -> None:
    lines: list[str] = []
    assert list(flaws(load_dataset(str(mine)), report=lines.append)) == []
    assert lines[0] == "looking at 60 images: begins"
    assert "60 of 60 images" in lines[-1] and "images/s, done in" in lines[-1]


def test_what_is_no_file_is_found_without_opening_anything(mine) -> None:
    dataset = load_dataset(str(mine))
    path = mine / "test/second/image_0002.jpg"
    path.unlink()
    path.symlink_to("/dev/zero")
    for decode in (True, False):
        assert [(flaw.kind, flaw.reason) for flaw in flaws(dataset, decode)] == [
            ("unreadable", "a device, not a file")
        ]
