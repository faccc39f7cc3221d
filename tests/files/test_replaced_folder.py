"""A folder is replaced whole or not at all, and what a killed process left is taken away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nemesis_sweep.files.own_folder import refuse_uncreatable
from nemesis_sweep.files.replaced_folder import replacing_folder
from nemesis_sweep.messages.errors import UserError

KILLED = """
import os, sys
from pathlib import Path
from nemesis_sweep.files.own_folder import refuse_uncreatable
from nemesis_sweep.files.replaced_folder import replacing_folder
rename = Path.rename
def killed_after(path, to):
    rename(path, to)
    if path.name == sys.argv[2]:
        os._exit(9)
Path.rename = killed_after
with replacing_folder(Path(sys.argv[1])) as partial:
    (partial / "new").touch()
    if sys.argv[2] == "writing":
        os._exit(9)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["report", "a[b]*", "with.points"])
def test_the_new_one_takes_the_place_of_the_former(tmp_path, name) -> None:
    folder = tmp_path / name
    for file in ("first", "second"):
        with replacing_folder(folder) as partial:
            (partial / file).touch()
    assert names(folder) == ["second"]
    assert names(tmp_path) == [name]


def test_of_a_link_the_folder_that_it_leads_to_is_replaced(tmp_path) -> None:
    link, folder = tmp_path / "link", tmp_path / "there" / "folder"
    link.symlink_to(folder)
    for file in ("first", "second"):
        with replacing_folder(link) as partial:
            (partial / file).touch()
    assert link.is_symlink()
    assert names(folder) == ["second"]
    assert names(tmp_path) == ["link", "there"]


def test_below_a_file_no_folder_can_be(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="not a folder"), replacing_folder(tmp_path / "file" / "x"):
        pass
    with pytest.raises(UserError, match="--to: not a folder"):
        refuse_uncreatable(tmp_path / "file" / "x" / "y", "--to")


def test_what_fails_leaves_the_former_as_it_was(tmp_path) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "former").touch()
    with pytest.raises(ZeroDivisionError), replacing_folder(folder) as partial:
        (partial / "new").touch()
        raise ZeroDivisionError
    assert names(folder) == ["former"]
    assert names(tmp_path) == ["report"]


@pytest.mark.parametrize("name", ["report", "a[b]*"])
@pytest.mark.parametrize("killed", ["writing", "between the renames"])
def test_what_a_killed_process_left_is_taken_away(tmp_path, name, killed) -> None:
    folder = tmp_path / name
    folder.mkdir()
    words = [str(folder), name if killed == "between the renames" else killed]
    done = subprocess.run([sys.executable, "-c", KILLED, *words], check=False)
    assert done.returncode == 9
    assert len(names(tmp_path)) == 2
    with replacing_folder(folder) as partial:
        (partial / "newest").touch()
    assert names(folder) == ["newest"]
    assert names(tmp_path) == [name]


def test_what_another_living_process_writes_is_left_alone(tmp_path) -> None:
    alive = tmp_path / f".report.new.{os.getppid()}.tmp"
    alive.mkdir()
    with replacing_folder(tmp_path / "report"):
        pass
    assert names(tmp_path) == [alive.name, "report"]
