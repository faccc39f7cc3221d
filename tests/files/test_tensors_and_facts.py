"""Tensors and facts of one name: written whole, told apart from those of others, found by any name."""

import shutil

import pytest
import torch

from nemesis_sweep.files.full_disk import full_disk
from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.files.tensors_and_facts import TensorsAndFacts
from nemesis_sweep.messages.errors import UserError
from tests.small_disk import limited_files

PAIR = TensorsAndFacts("thing")


def test_they_are_read_as_they_were_written_and_replaced(tmp_path):
    for number in (1.0, 2.0):
        written = PAIR.write(tmp_path / "new", {"a": torch.full((2,), number)}, {"of": ["größe", number]})
        facts, tensors = PAIR.read(tmp_path / "new")
        assert facts == {"of": ["größe", number]} and tensors["a"].tolist() == [number] * 2
        assert PAIR.checksum(tmp_path / "new") == written
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(PAIR.files)


def test_both_are_found_by_the_folder_and_by_either_file(tmp_path):
    for path in (tmp_path, tmp_path / "thing.json", str(tmp_path / "thing.safetensors")):
        assert PAIR.folder_of(path) == tmp_path
    with pytest.raises(UserError, match="folder: not a folder; found 3"):
        PAIR.folder_of(3)


@pytest.mark.parametrize("name", PAIR.files)
def test_files_of_two_are_told(tmp_path, name):
    for number in (1.0, 2.0):
        PAIR.write(tmp_path / str(number), {"a": torch.tensor(number)}, {})
    shutil.copy(tmp_path / "1.0" / name, tmp_path / "2.0")
    for look in (PAIR.read, PAIR.checksum):
        with pytest.raises(DamagedError, match=r"is not the file that thing\.json was written with"):
            look(tmp_path / "2.0")
    (tmp_path / "2.0" / name).unlink()
    with pytest.raises(DamagedError, match=f"{name} is missing"):
        PAIR.checksum(tmp_path / "2.0")


@pytest.mark.parametrize("large", PAIR.files)
def test_without_room_for_either_the_former_two_stay(tmp_path, large):
    before = PAIR.write(tmp_path, {"a": torch.zeros(2)}, {"of": "the former"})
    count = 10_000 if large == PAIR.tensors else 2
    told = "x" * (10_000 if large == PAIR.facts else 1)
    with limited_files(4_000), pytest.raises(Exception) as caught:
        PAIR.write(tmp_path, {"a": torch.ones(count)}, {"of": told})
    assert full_disk(caught.value)
    assert PAIR.checksum(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PAIR.files)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"not a folder; found .*file; allowed: a folder"):
        PAIR.write(tmp_path / "file", {}, {})
