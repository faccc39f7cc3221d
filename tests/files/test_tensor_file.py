"""Tensors with a checksum: no bit of them changes unseen, with torch or without."""

import random
import subprocess
import sys

import pytest
import torch

from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.files.tensor_file import load_arrays, load_tensors, save_tensors, tensor_checksum

TENSORS = {
    "context": torch.randn(2, 3, 4),
    "alive": torch.tensor([True, False]),
    "rng": torch.arange(5, dtype=torch.uint8),
    "seconds": torch.tensor(1.5, dtype=torch.float64),
    "turned": torch.arange(6).reshape(2, 3).T,
    "empty": torch.zeros(0, 4),
}


def test_whoever_may_read_new_files_may_read_it(tmp_path):
    """On the disk of a cluster a prompt is for the whole group, as the JSON beside it."""
    (tmp_path / "b").touch()
    save_tensors(tmp_path / "a", TENSORS)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_both_ways_of_reading_give_what_was_saved(tmp_path):
    digest = save_tensors(tmp_path / "a", TENSORS, "mine")
    tensors, arrays = load_tensors(tmp_path / "a", "mine"), load_arrays(tmp_path / "a", "mine")
    assert set(tensors) == set(arrays) == set(TENSORS)
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert all((arrays[name] == TENSORS[name].numpy()).all() for name in TENSORS)
    assert tensor_checksum(tensors, "mine") == tensor_checksum(arrays, "mine") == digest


def test_no_bit_changes_unseen(tmp_path):
    save_tensors(tmp_path / "a", TENSORS)
    whole = (tmp_path / "a").read_bytes()
    random.seed(0)
    for place in random.sample(range(8 * len(whole)), 300):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        (tmp_path / "a").write_bytes(damaged)
        for load in (load_tensors, load_arrays):
            try:
                found = load(tmp_path / "a")
            except DamagedError:
                continue
            # A bit of the checksum's own name: the file reads as one of an earlier version, and is whole.
            assert tensor_checksum(found) == tensor_checksum(TENSORS)


def test_bfloat16_has_a_checksum_too(tmp_path):
    values = {"a": torch.randn(3).to(torch.bfloat16)}
    save_tensors(tmp_path / "a", values)
    assert torch.equal(load_tensors(tmp_path / "a")["a"], values["a"])


def test_arrays_are_checked_without_torch(tmp_path):
    save_tensors(tmp_path / "a", TENSORS)
    code = "import sys; from nemesis_sweep.files.tensor_file import load_arrays; from pathlib import Path;"
    code += f"load_arrays(Path({str(tmp_path / 'a')!r})); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_tensors_of_another_are_refused(tmp_path):
    save_tensors(tmp_path / "a", TENSORS, "trial 1")
    with pytest.raises(DamagedError, match="belongs to trial 1"):
        load_tensors(tmp_path / "a", "trial 2")
