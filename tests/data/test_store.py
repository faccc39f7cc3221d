"""The feature store: encoded once, exact, shared between processes, safe against broken files."""

import hashlib
import json
import multiprocessing
import os
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from nemesis_sweep.data.cache import encoded_keys
from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.decoding.images import read_image
from nemesis_sweep.data.folder import FORMAT, write_about
from nemesis_sweep.data.shards import BrokenShardError, read_shard, write_shard
from nemesis_sweep.data.store import FeatureStore, missing_pictures
from nemesis_sweep.data.views import CENTRE, view
from nemesis_sweep.testing.colours import picture


def plain_features(backbone, items, numbers):
    """Each picture decoded, viewed and encoded by itself."""
    mean, std = (torch.tensor(getattr(backbone.preprocess, name)) for name in ("mean", "std"))
    rows = []
    for item in items:
        _, image = read_image(item)
        pixels = [torch.from_numpy(view(image, n, item.key, backbone.preprocess).copy()) for n in numbers]
        normalised = (torch.stack(pixels) / 255 - mean) / std
        rows.append(backbone.encode_image(normalised.permute(0, 3, 1, 2)))
    return torch.stack(rows)


class Counting:
    """A backbone that counts the pixels it is given."""

    def __init__(self, backbone):
        self._backbone = backbone
        self.encoded = 0

    def __getattr__(self, name):
        return getattr(self._backbone, name)

    def encode_image(self, pixels, reads="pooled"):
        self.encoded += len(pixels)
        return self._backbone.encode_image(pixels)


def test_features_equal_the_plain_way(tiny_backbone, colours, tmp_path):
    items = colours.train[:7]
    centre = FeatureStore(tiny_backbone, 1, tmp_path).features(items)
    augmented = FeatureStore(tiny_backbone, 3, tmp_path).features(items)
    torch.testing.assert_close(centre, plain_features(tiny_backbone, items, [CENTRE]), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(
        augmented, plain_features(tiny_backbone, items, [0, 1, 2]), atol=1e-6, rtol=1e-5
    )


def test_a_picture_is_encoded_once_in_the_life_of_the_cache(tiny_backbone, colours, tmp_path):
    counting = Counting(tiny_backbone)
    first = FeatureStore(counting, 2, tmp_path).features(colours.train[:6])
    again = FeatureStore(counting, 2, tmp_path).features(colours.train[3:9])
    assert counting.encoded == 9 * 2
    assert torch.equal(first[3:], again[:3])


def test_order_and_repeats_are_kept(tiny_backbone, colours, tmp_path):
    store = FeatureStore(tiny_backbone, 1, tmp_path)
    some = store.features(colours.test[:5])
    assert torch.equal(store.features([colours.test[i] for i in (4, 0, 0, 2)]), some[[4, 0, 0, 2]])


def test_neighbours_in_one_file_are_not_copied(tiny_backbone, colours, tmp_path):
    store = FeatureStore(tiny_backbone, 1, tmp_path)
    whole, part = store.features(colours.test), store.features(colours.test[2:9])
    assert part.data_ptr() == whole[2:].data_ptr()


@pytest.mark.parametrize("harm", ["truncate", "alter", "foreign"])
def test_a_broken_file_is_found_and_encoded_anew(tiny_backbone, colours, tmp_path, harm):
    store = FeatureStore(tiny_backbone, 1, tmp_path)
    expected = store.features(colours.val).clone()
    (path,) = tmp_path.glob("*/*.arrow")
    content = bytearray(path.read_bytes())
    if harm == "truncate":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "alter":
        place = content.find(expected[0, 0].numpy().tobytes())
        content[place + 2] ^= 0xFF
        path.write_bytes(content)
    else:
        path.write_bytes(b"not ours")
    with pytest.raises(BrokenShardError, match=path.name):
        read_shard(path, store.about.identity)
    assert torch.equal(FeatureStore(tiny_backbone, 1, tmp_path).features(colours.val), expected)


def test_another_picture_at_the_same_path_is_another_picture(tiny_backbone, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(picture((200, 0, 0), 1))
    store = FeatureStore(tiny_backbone, 1, tmp_path / "cache")
    before = store.features([Item(0, "a", path=path)])
    path.write_bytes(picture((0, 200, 0), 2))
    os.utime(path, ns=(1, 1))
    assert not torch.equal(store.features([Item(0, "a", path=path)]), before)


def test_other_weights_have_another_folder(tiny_backbone, tmp_path):
    class Other(Counting):
        fingerprint = "another"

    assert (
        FeatureStore(tiny_backbone, 1, tmp_path).folder
        != FeatureStore(Other(tiny_backbone), 1, tmp_path).folder
    )


def test_two_processes_at_once_encode_a_picture_once(tiny_backbone, colours, tmp_path):
    """Both children find an empty cache; the lock lets one of them encode and the other reads."""
    context = multiprocessing.get_context("fork")
    counts, start = context.Queue(), context.Barrier(2)

    def work() -> None:
        torch.set_num_threads(1)
        counting = Counting(tiny_backbone)
        store = FeatureStore(counting, 1, tmp_path)
        start.wait()
        features = store.features(colours.test)
        counts.put((counting.encoded, float(features.sum())))

    children = [context.Process(target=work) for _ in range(2)]
    for child in children:
        child.start()
    results = [counts.get(timeout=60) for _ in children]
    for child in children:
        child.join()
    assert sorted(encoded for encoded, _ in results) == [0, len(colours.test)]
    assert results[0][1] == results[1][1]


def test_views_do_not_depend_on_the_batch(tiny_backbone, colours, tmp_path):
    alone = FeatureStore(tiny_backbone, 4, tmp_path / "a").features([colours.train[5]])
    among = FeatureStore(tiny_backbone, 4, tmp_path / "b").features(colours.train[:8])
    torch.testing.assert_close(among[5:6], alone, atol=1e-6, rtol=1e-5)


def garbled(path):
    """Spoil a file without anybody noticing who does not read it."""
    stat = path.stat()
    path.write_bytes(b"x" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_filling_names_what_cannot_be_read_and_keeps_the_rest_decoded_once(tiny_backbone, tmp_path):
    items = []
    for number in range(12):
        path = tmp_path / f"{number}.png"
        path.write_bytes(picture((9 * number, 99, 50), number))
        items.append(Item(0, path.name, path=path))
    items[3].path.unlink()
    items[4].path.write_bytes(b"no image")
    items[9].path.write_bytes(items[9].path.read_bytes()[:-2000])
    store = FeatureStore(tiny_backbone, 2, tmp_path / "cache")
    twice = [*items, items[4]]
    kinds = {3: "missing", 4: "unreadable", 9: "truncated", 12: "unreadable"}
    assert {place: error.kind for place, error in store.fill(twice).items()} == kinds
    whole = [item for place, item in enumerate(items) if place not in kinds]
    expected = FeatureStore(tiny_backbone, 2, tmp_path / "other").features(whole)
    for item in whole:
        garbled(item.path)
    again = FeatureStore(tiny_backbone, 2, tmp_path / "cache")
    assert set(again.fill(items)) == {3, 4, 9}
    torch.testing.assert_close(again.features(whole), expected, atol=1e-6, rtol=1e-5)


def test_filling_with_nothing_that_can_be_read(tiny_backbone, tmp_path):
    store = FeatureStore(tiny_backbone, 1, tmp_path / "cache")
    assert set(store.fill([Item(0, "a", content=b"a"), Item(0, "b", content=b"b")])) == {0, 1}
    assert store.fill([]) == {}
    assert not list(store.folder.glob("*.arrow"))


@pytest.mark.parametrize("older", [0, 1])
def test_what_an_earlier_release_encoded_is_not_taken_for_readable(tiny_backbone, colours, tmp_path, older):
    about = replace(FeatureStore(tiny_backbone, 1, tmp_path).about, format=FORMAT - older)
    write_about(tmp_path / about.folder, about)
    keys = [bytes.fromhex(item.key) for item in colours.test]
    features = np.ones((len(keys), 1, tiny_backbone.embed_dim), dtype=np.float32)
    write_shard(tmp_path / about.folder, about.identity, keys, features)
    assert encoded_keys(tmp_path) == (set() if older else set(keys))
    assert len(missing_pictures(tiny_backbone, 1, colours.test, tmp_path)) == older * len(set(keys))


def test_the_parts_of_pictures_are_a_store_of_their_own(tiny_backbone, colours, tmp_path):
    """Beside the features of whole pictures, whose folder stays what it was; the first part is the whole."""
    whole, parts = (FeatureStore(tiny_backbone, 2, tmp_path, reads=reads) for reads in ("pooled", "patches"))
    assert whole.folder != parts.folder and parts.shape == (5, 32)
    found = parts.features(colours.val[:3])
    assert found.shape == (3, 2, 5, 32)
    torch.testing.assert_close(found[:, :, 0], whole.features(colours.val[:3]))
    again = FeatureStore(tiny_backbone, 2, tmp_path, reads="patches").features(colours.val[:3][::-1])
    assert torch.equal(again, found.flip(0))
    assert not missing_pictures(tiny_backbone, 2, colours.val[:3], tmp_path, reads="patches")
    assert len(missing_pictures(tiny_backbone, 2, colours.val[:4], tmp_path, reads="patches")) == 1
    assert parts.features([]).shape == (0, 2, 5, 32)
    about = asdict(whole.about)
    del about["reads"], about["backbone"]
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    assert whole.about.identity == digest  # As of versions that knew no other kind.
