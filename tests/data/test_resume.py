"""An encoding that is killed goes on where it stopped; one that waits says so."""

import multiprocessing
import os
import signal
import time

import pytest
import torch

from nemesis_sweep.data import store as store_module
from nemesis_sweep.data.folder import try_lock
from nemesis_sweep.data.store import FeatureStore
from tests.data.fakes import Changed

CONTEXT = multiprocessing.get_context("fork")
DEADLINE = 60


@pytest.fixture
def small_shards(monkeypatch):
    """A shard for every 8 views."""
    monkeypatch.setattr(store_module, "SHARD_VIEWS", 8)


def wait_for(condition):
    until = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def counting(backbone):
    """The backbone, and a list that gets the size of every batch."""
    sizes = []

    def encode(pixels):
        sizes.append(len(pixels))
        return backbone.encode_image(pixels)

    return Changed(backbone, encode), sizes


def stuck_after(backbone, batches):
    """The backbone, but it stands still when it has encoded so many batches."""
    done = []

    def encode(pixels):
        while len(done) == batches:
            time.sleep(0.05)
        done.append(len(pixels))
        return backbone.encode_image(pixels)

    return Changed(backbone, encode)


def start_encoding(backbone, items, folder):
    def work():
        torch.set_num_threads(1)
        FeatureStore(backbone, 2, folder).features(items)

    child = CONTEXT.Process(target=work)
    child.start()
    return child


def test_a_killed_encoding_goes_on_at_the_last_shard(tiny_backbone, colours, tmp_path, small_shards):
    items = colours.train[:20]
    expected = FeatureStore(tiny_backbone, 2, tmp_path / "whole").features(items)
    killed = tmp_path / "killed"
    child = start_encoding(stuck_after(tiny_backbone, 3), items, killed)
    try:
        wait_for(lambda: len(list(killed.glob("*/*.arrow"))) == 3)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.join(DEADLINE)
    published = {path: path.stat().st_mtime_ns for path in killed.glob("*/*.arrow")}
    # What a writer that dies in the middle of a shard leaves.
    (folder,) = killed.iterdir()
    leftover = folder / f".{'0' * 32}.1.tmp"
    leftover.write_bytes(b"half a shard")

    backbone, sizes = counting(tiny_backbone)
    features = FeatureStore(backbone, 2, killed).features(items)
    assert sum(sizes) == 2 * (20 - 3 * 4)
    torch.testing.assert_close(features, expected, atol=1e-6, rtol=1e-5)
    assert {path: path.stat().st_mtime_ns for path in published} == published
    assert not leftover.exists()


def test_who_waits_says_so_and_takes_what_is_there(tiny_backbone, colours, tmp_path, small_shards):
    """The other process never finishes; pictures that it has published are used all the same."""
    items = colours.train[:12]
    child = start_encoding(stuck_after(tiny_backbone, 2), items, tmp_path)
    try:
        wait_for(lambda: len(list(tmp_path.glob("*/*.arrow"))) == 2)
        backbone, sizes = counting(tiny_backbone)
        store = FeatureStore(backbone, 2, tmp_path)
        assert store.features(items[:8]).shape == (8, 2, 32)
        assert sizes == []

        lines = []

        def report(line):
            lines.append(line)
            os.kill(child.pid, signal.SIGKILL)

        features = store.features(items, report)
    finally:
        child.kill()
        child.join(DEADLINE)
    assert lines[0] == "another process is encoding: waiting for 4 of 12 pictures"
    assert sum(sizes) == 8
    assert features.shape == (12, 2, 32)
    assert any("encoding 4 pictures x 2 views with tiny: 8 of 8 views" in line for line in lines)


def test_features_of_several_files_come_in_the_order_of_the_items(
    tiny_backbone, colours, tmp_path, small_shards
):
    items = [*colours.train[:9], *colours.train[3:5], *reversed(colours.train[:9])]
    found = FeatureStore(tiny_backbone, 2, tmp_path).features(items)
    assert len(list(tmp_path.glob("*/*.arrow"))) == 3
    one_by_one = FeatureStore(tiny_backbone, 2, tmp_path)
    for row, item in zip(found, items, strict=True):
        assert torch.equal(row, one_by_one.features([item])[0])


def test_a_file_of_another_store_is_not_taken_for_ours(tiny_backbone, colours, tmp_path):
    items = colours.val[:3]
    other = FeatureStore(
        Changed(tiny_backbone, lambda pixels: torch.full((len(pixels), 32), 0.5)), 1, tmp_path / "b"
    )
    other.features(items)
    expected = FeatureStore(tiny_backbone, 1, tmp_path / "a").features(items).clone()

    class OtherWeights(Changed):
        fingerprint = "other"

    backbone = OtherWeights(tiny_backbone, tiny_backbone.encode_image)
    store = FeatureStore(backbone, 1, tmp_path / "c")
    (foreign,) = other.folder.glob("*.arrow")
    placed = store.folder / foreign.name
    placed.write_bytes(foreign.read_bytes())
    assert torch.equal(store.features(items), expected)
    assert not placed.exists()


def test_a_store_goes_on_when_its_folder_was_deleted(tiny_backbone, colours, tmp_path):
    store = FeatureStore(tiny_backbone, 1, tmp_path)
    before = store.features(colours.val[:2]).clone()
    for path in store.folder.iterdir():
        path.unlink()
    store.folder.rmdir()
    assert torch.equal(store.features(colours.val[:2]), before)
    assert store.features(colours.val[:4]).shape == (4, 1, 32)
    assert len(list(store.folder.glob("*.arrow"))) == 1


def test_a_lock_on_a_deleted_file_is_no_lock(tmp_path):
    with try_lock(tmp_path) as first:
        assert first
        with try_lock(tmp_path) as second:
            assert not second
        (tmp_path / "lock").unlink()
        with try_lock(tmp_path) as third:
            assert third
    with try_lock(tmp_path / "nowhere") as there:
        assert not there
