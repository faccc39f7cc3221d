"""Decoding in processes of their own: the same features, errors by name, and what happens to those killed."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.decoding.ahead import CROWD, MANY, Decoders, in_processes
from nemesis_sweep.data.decoding.process import Decoder
from nemesis_sweep.data.encode import encode_items
from nemesis_sweep.data.store import FeatureStore
from nemesis_sweep.messages.errors import UserError
from tests.data.fakes import Changed

DEADLINE = 30


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


def ended(process: int) -> bool:
    """Whether a process is gone, or waits to be buried."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_for(condition) -> None:
    until = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("views", [[-1], [0, 1, 2], list(range(150))])
def test_features_are_the_same_bit_for_bit_and_in_order(tiny_backbone, files, views) -> None:
    items = files if len(views) < 100 else files[:5]
    with Decoders(tiny_backbone.preprocess, 3, processes=True) as decoders:
        found = encode_items(tiny_backbone, items, views, decoders=decoders)
    with Decoders(tiny_backbone.preprocess, 1, processes=False) as decoders:
        expected = encode_items(tiny_backbone, items, views, decoders=decoders)
    np.testing.assert_array_equal(found, expected)
    alone = encode_items(tiny_backbone, items[4:5], views)
    np.testing.assert_allclose(found[4:5], alone, atol=1e-6)


@pytest.mark.parametrize("processes", [False, True])
def test_what_cannot_be_read_is_named_the_first_of_them_or_all(tiny_backbone, files, tmp_path, processes):
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
    with Decoders(tiny_backbone.preprocess, 2, processes) as decoders:
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


def test_a_decoder_that_is_killed_is_replaced_and_nothing_is_lost(tiny_backbone, files) -> None:
    expected = encode_items(tiny_backbone, files, [-1])
    with Decoders(tiny_backbone.preprocess, 2, processes=True) as decoders:
        pool = decoders._pool
        encode_items(tiny_backbone, files, [-1], decoders=decoders)
        victims = {decoder.process.pid for decoder in pool.decoders}
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        wait_for(lambda: all(map(ended, victims)))
        found = encode_items(tiny_backbone, files, [-1], decoders=decoders)
        replaced = {decoder.process.pid for decoder in pool.decoders}
    np.testing.assert_array_equal(found, expected)
    assert victims and replaced - victims


def test_one_that_is_killed_again_and_again_is_one_clear_error_and_leaves_nothing_half_written(
    tiny_backbone, files, tmp_path, monkeypatch
) -> None:
    """As the system does for lack of memory. A store that is asked again goes on where it stopped."""
    monkeypatch.setattr("nemesis_sweep.data.store.SHARD_VIEWS", 10)
    start, batches = Decoder.decode, []

    def doomed(self, items, views):
        if len(batches) == 2:  # Two files of features are there.
            os.kill(self.process.pid, signal.SIGKILL)
        return start(self, items, views)

    def encode(pixels):
        batches.append(len(pixels))
        return tiny_backbone.encode_image(pixels)

    with monkeypatch.context() as patch:
        patch.setattr(Decoder, "decode", doomed)
        store = FeatureStore(Changed(tiny_backbone, encode), 1, tmp_path, decode="processes")
        with pytest.raises(UserError) as caught:
            store.features(files)
    assert files[20].source in str(caught.value)
    assert "two processes were lost" in str(caught.value)
    assert "found signal 9 (SIGKILL) and signal 9 (SIGKILL)" in str(caught.value)
    assert len(list(store.folder.glob("*.arrow"))) == 2
    assert not list(store.folder.glob(".*.tmp"))
    again, expected = (FeatureStore(tiny_backbone, 1, folder) for folder in (tmp_path, tmp_path / "whole"))
    assert torch.equal(again.features(files), expected.features(files))


WORK = """
import signal, sys
from pathlib import Path
from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.decoding.ahead import Decoders
from nemesis_sweep.vlm.preprocess import Preprocess

assert "torch" not in sys.modules
signal.signal(signal.SIGINT, signal.default_int_handler)  # Whatever started the tests may ignore it.
items = [Item(0, path.name, path=path) for path in sorted(Path(sys.argv[1]).iterdir())]
with Decoders(Preprocess(32), 2, processes=True) as decoders:
    for number, _ in enumerate(decoders.ahead((([item], range(50)) for item in items * 1000), most=8)):
        if number == 20:
            print(*(decoder.process.pid for decoder in decoders._pool.decoders), flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_decoders_end_with_whom_they_work_for(files, how) -> None:
    """No `if __name__ == "__main__"`, as in a notebook or a short script."""
    work = subprocess.Popen(
        [sys.executable, "-c", WORK, str(files[0].path.parent)], stdout=subprocess.PIPE, text=True
    )
    decoders = [int(word) for word in work.stdout.readline().split()]
    time.sleep(0.5)
    assert len(decoders) == 2 and not any(map(ended, decoders))
    work.send_signal(how)
    work.wait(DEADLINE)
    wait_for(lambda: all(map(ended, decoders)))


def test_ctrl_c_ends_them_without_a_word(files) -> None:
    work = subprocess.Popen(
        [sys.executable, "-c", WORK, str(files[0].path.parent)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    decoders = [int(word) for word in work.stdout.readline().split()]
    time.sleep(0.5)
    os.killpg(work.pid, signal.SIGINT)
    _, said = work.communicate(timeout=DEADLINE)
    assert said.count("Traceback") == 1 and said.rstrip().endswith("KeyboardInterrupt")
    wait_for(lambda: all(map(ended, decoders)))


def test_a_file_in_the_current_folder_is_not_taken_for_a_module(files, tmp_path, monkeypatch, tiny_backbone):
    (tmp_path / "json.py").write_text("raise SystemExit('taken')")
    monkeypatch.chdir(tmp_path)
    with Decoders(tiny_backbone.preprocess, 2, processes=True) as decoders:
        assert encode_items(tiny_backbone, files[:2], [-1], decoders=decoders).shape == (2, 1, 32)


def test_the_rule(monkeypatch) -> None:
    monkeypatch.delenv("NEMESIS_SWEEP_DECODE", raising=False)
    assert in_processes(MANY, CROWD + 1)
    assert not in_processes(MANY - 1, CROWD + 1) and not in_processes(MANY, CROWD)
    assert in_processes(1, 1, "processes") and not in_processes(10**6, 64, "threads")
    monkeypatch.setenv("NEMESIS_SWEEP_DECODE", "threads")
    assert not in_processes(10**6, 64) and in_processes(1, 1, "processes")
    monkeypatch.setenv("NEMESIS_SWEEP_DECODE", "proceses")
    with pytest.raises(UserError, match=r"NEMESIS_SWEEP_DECODE: .*found proceses; allowed: auto, threads"):
        in_processes(1, 1)
