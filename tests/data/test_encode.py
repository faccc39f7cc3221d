"""Encoding: memory that is too small, features that are not finite, pictures that cannot be read."""

import io
import weakref

import numpy as np
import pytest
import torch
from PIL import Image

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.encode import encode_items
from nemesis_sweep.data.meter import Meter
from nemesis_sweep.data.store import FeatureStore
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.testing.colours import picture
from tests.data.fakes import Changed
from tests.virtual_gpu import DEVICE, VirtualGPU


def test_a_batch_that_does_not_fit_is_halved_until_it_does(tiny_backbone, colours):
    sizes = []

    def small_memory(pixels):
        if len(pixels) > 3:
            raise torch.OutOfMemoryError("too much")
        sizes.append(len(pixels))
        return tiny_backbone.encode_image(pixels)

    items = colours.train[:5]
    expected = encode_items(tiny_backbone, items, [0, 1])
    found = encode_items(Changed(tiny_backbone, small_memory), items, [0, 1])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert sum(sizes) == 10 and max(sizes) <= 3


@pytest.mark.parametrize("words", ["out of memory", "cuDNN error: CUDNN_STATUS_ALLOC_FAILED"])
def test_what_a_failed_pass_has_computed_is_let_go_before_the_next(tiny_backbone, colours, words):
    """An error holds on to the frames it came through, and with them to the tensors in those."""
    kept, alive = [], []

    def small_memory(pixels):
        alive.append([tensor() is not None for tensor in kept])
        if len(pixels) > 2:
            computed = torch.zeros(7)
            kept.append(weakref.ref(computed))
            raise (torch.OutOfMemoryError if words == "out of memory" else RuntimeError)(words)
        return tiny_backbone.encode_image(pixels)

    encode_items(Changed(tiny_backbone, small_memory), colours.train[:8], [-1])
    assert len(kept) == 3 and len(alive) == 7
    assert not any(flag for flags in alive for flag in flags)


def test_other_errors_are_not_tried_again(tiny_backbone, colours):
    tried = []

    def broken(pixels):
        tried.append(len(pixels))
        raise RuntimeError("CUDA error: device-side assert triggered")

    with pytest.raises(RuntimeError, match="device-side"):
        encode_items(Changed(tiny_backbone, broken), colours.train[:4], [-1])
    assert tried == [4]


def test_pictures_go_to_a_gpu_as_bytes_and_their_features_are_those_of_the_cpu(tiny_backbone, colours):
    expected = encode_items(tiny_backbone, colours.train[:5], [-1, 0])
    with VirtualGPU() as gpu:
        there = tiny_backbone.to(device=DEVICE)
        gpu.forget()
        found = encode_items(there, colours.train[:5], [-1, 0])
        assert not gpu.faults
        assert list(gpu.waits.values()) == [1]  # For the features.
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert FeatureStore(there, 1).about == FeatureStore(tiny_backbone, 1).about


def test_one_image_that_does_not_fit_is_not_hidden(tiny_backbone, colours):
    def no_memory(pixels):
        raise torch.OutOfMemoryError("too much")

    with pytest.raises(torch.OutOfMemoryError):
        encode_items(Changed(tiny_backbone, no_memory), colours.train[:2], [0])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_are_not_finite_name_the_picture_and_are_not_kept(
    tiny_backbone, colours, tmp_path, value
):
    calls = []

    def broken(pixels):
        features = tiny_backbone.encode_image(pixels)
        calls.append(len(pixels))
        features[7, :5] = value  # View 1 of the third picture.
        return features

    store = FeatureStore(Changed(tiny_backbone, broken), 3, tmp_path)
    with pytest.raises(UserError) as caught:
        store.features(colours.train[:4])
    assert calls == [12]
    assert str(caught.value) == (
        f"{colours.train[2].source}: tiny gives features that are not finite for this picture; "
        "found 5 of 32 values of view 1; allowed: finite numbers"
    )
    assert list(tmp_path.glob("*/*.arrow")) == []


def test_a_file_that_is_gone_and_one_that_is_no_image_are_named(tiny_backbone, tmp_path):
    store = FeatureStore(tiny_backbone, 1, tmp_path / "cache")
    with pytest.raises(UserError, match=r"a/gone\.png: cannot read this picture: No such file"):
        store.features([Item(0, "a/gone.png", path=tmp_path / "gone.png")])
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(UserError, match=r"a/text\.png: cannot read this image"):
        store.features([Item(0, "a/text.png", path=tmp_path / "text.png")])


def test_a_copied_file_has_the_same_views(tiny_backbone, tmp_path):
    """Where a picture lies and when it was written must not change what is trained on."""
    content = picture((90, 120, 40), 3)
    (tmp_path / "elsewhere").mkdir()
    for place in ("a.png", "elsewhere/b.png"):
        (tmp_path / place).write_bytes(content)
    items = [
        Item(0, "x", content=content),
        Item(0, "x", path=tmp_path / "a.png"),
        Item(0, "x", path=tmp_path / "elsewhere/b.png"),
    ]
    features = encode_items(tiny_backbone, items, [0, 1, 2])
    np.testing.assert_allclose(features[1], features[0], atol=1e-6)
    np.testing.assert_allclose(features[2], features[0], atol=1e-6)
    assert abs(features[0, 0] - features[0, 1]).max() > 1e-3


def test_large_images_go_in_smaller_batches(tiny_backbone, colours):
    sizes = []

    def encode(pixels):
        sizes.append(len(pixels))
        return torch.zeros(len(pixels), 32)

    changed = Changed(tiny_backbone, encode)
    changed.preprocess = type(tiny_backbone.preprocess)(image_size=512)
    encode_items(changed, colours.train[:7], [-1])
    assert max(sizes) * 512**2 <= 32 * 224**2 < (max(sizes) + 1) * 512**2
    assert sum(sizes) == 7


def test_more_views_than_a_batch_are_split(tiny_backbone, colours):
    sizes = []

    def encode(pixels):
        sizes.append(len(pixels))
        return tiny_backbone.encode_image(pixels)

    views = list(range(300))
    found = encode_items(Changed(tiny_backbone, encode), colours.train[:2], views)
    assert sizes == [128, 128, 44] * 2
    np.testing.assert_allclose(found[1], encode_items(tiny_backbone, [colours.train[1]], views)[0], atol=1e-6)


def test_transparency_becomes_white(tiny_backbone):
    def png(mode, colour):
        buffer = io.BytesIO()
        Image.new(mode, (32, 32), colour).save(buffer, "PNG")
        return Item(0, mode, content=buffer.getvalue())

    features = encode_items(tiny_backbone, [png("RGBA", (0, 0, 0, 0)), png("RGB", "white")], [-1])
    np.testing.assert_allclose(features[0], features[1], atol=1e-6)


def test_progress_tells_rate_and_time_left():
    lines = []
    meter = Meter(100, "encoding", lines.append, every=0)
    for _ in range(4):
        meter.add(25)
    assert lines[0] == "encoding: begins"
    assert [line.split(",")[0] for line in lines[1:]] == [
        f"encoding: {n} of 100 views" for n in (25, 50, 75, 100)
    ]
    assert all(line.endswith("s left") for line in lines[1:4])
    assert "done in" in lines[4]


def test_work_that_is_quick_is_not_told_where_nobody_waits_for_it():
    """Of epochs there are thousands; one that lasts is told from the first interval on."""
    lines = []
    quick = Meter(2, "an epoch", lines.append, unit="step", begins=False)
    quick.add(1), quick.add(1)
    assert not lines
    slow = Meter(3, "an epoch", lines.append, every=0, unit="step", begins=False)
    for _ in range(3):
        slow.add(1)
    assert len(lines) == 3 and lines[0].startswith("an epoch: 1 of 3 steps, ") and "done in" in lines[-1]
