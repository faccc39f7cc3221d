"""Decoding ahead of the encoder: the same features in the same order, and errors by name."""

import io

import numpy as np
import pytest
from PIL import Image

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.decoding.ahead import Decoders
from nemesis_sweep.data.encode import encode_items
from nemesis_sweep.messages.errors import UserError


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Item]:
    """Photographs of different shapes, some held in memory and some read by a function."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    items = []
    for number in range(40):
        pixels = rng.integers(0, 256, (30 + number, 50, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG")
        path = folder / f"é {number:02d}.jpg"
        path.write_bytes(buffer.getvalue())
        kinds = ({"path": path}, {"content": buffer.getvalue()}, {"opener": path.read_bytes})
        items.append(Item(0, str(path), **kinds[number % 3]))
    return items


@pytest.mark.parametrize("views", [[-1], [0, 1, 2], list(range(150))])
def test_features_are_the_same_bit_for_bit_and_in_order(tiny_backbone, files, views) -> None:
    items = files if len(views) < 100 else files[:5]
    with Decoders(tiny_backbone.preprocess, 8) as decoders:
        found = encode_items(tiny_backbone, items, views, decoders=decoders)
    with Decoders(tiny_backbone.preprocess, 1) as decoders:
        expected = encode_items(tiny_backbone, items, views, decoders=decoders)
    np.testing.assert_array_equal(found, expected)
    alone = encode_items(tiny_backbone, items[4:5], views)
    np.testing.assert_allclose(found[4:5], alone, atol=1e-6)


def test_what_cannot_be_read_is_named_the_first_of_them_or_all(tiny_backbone, files, tmp_path):
    def item(name: str, content: bytes) -> Item:
        (tmp_path / name).write_bytes(content)
        return Item(0, name, path=tmp_path / name)

    def refuse() -> bytes:
        raise PermissionError(13, "Permission denied")

    items = [
        files[0],
        Item(0, "gone", path=tmp_path / "gone"),
        files[1],
        item("cut", files[0].path.read_bytes()[:-400]),
        item("empty", b""),
        Item(0, "text", content=b"no image"),
        Item(0, "closed", opener=refuse),
        files[2],
    ]
    with Decoders(tiny_backbone.preprocess, 2) as decoders:
        with pytest.raises(UserError, match="gone: cannot read this image: no such file"):
            encode_items(tiny_backbone, items, [-1], decoders=decoders)
        unusable = {}
        features = encode_items(tiny_backbone, items, [-1], decoders=decoders, unusable=unusable)
    assert {place: (error.kind, error.reason) for place, error in unusable.items()} == {
        1: ("missing", "no such file"),
        3: ("truncated", unusable[3].reason),
        4: ("unreadable", "empty"),
        5: ("unreadable", "not an image"),
        6: ("unreadable", "Permission denied"),
    }
    assert np.isnan(features[sorted(unusable)]).all()
    np.testing.assert_allclose(features[[0, 2, 7]], encode_items(tiny_backbone, files[:3], [-1]), atol=1e-6)
