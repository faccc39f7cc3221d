"""The folder for Ray's files: where it is put, who may look in, and what becomes of those of dead drivers."""

import os
import platform
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.cluster import private_folder as module
from nemesis_sweep.sweep.cluster.private_folder import LONGEST, PREFIX, SOCKET, private_folder


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """A short folder in the place of /tmp."""
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    with tempfile.TemporaryDirectory(prefix="nsf-", dir="/tmp") as folder:
        monkeypatch.setattr(module, "USUAL", (folder,))
        yield folder


def put() -> Path:
    with private_folder() as folder:
        assert len(f"{folder}{SOCKET}") <= LONGEST
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()
    return folder.parent


def test_a_good_folder_is_used(short, monkeypatch):
    for name in ("TMPDIR", "RAY_TMPDIR"):
        good = Path(short) / name[0]
        good.mkdir()
        monkeypatch.setenv(name, str(good))
        assert put() == good


@pytest.mark.parametrize("name", ["TMPDIR", "RAY_TMPDIR"])
@pytest.mark.parametrize("folder", ["x" * 60, "bücher", "relative"])
def test_where_ray_only_minds_the_path_another_folder_helps(short, monkeypatch, tmp_path, name, folder):
    monkeypatch.chdir(tmp_path)
    Path(folder).mkdir()
    monkeypatch.setenv(name, folder if folder == "relative" else str(Path(short, folder)))
    assert put() == Path(short)


@pytest.mark.parametrize("folder", ["/dev/null/ray", "/proc"])
def test_a_tmpdir_that_is_no_good_is_passed_over_and_a_ray_tmpdir_is_refused(short, monkeypatch, folder):
    monkeypatch.setenv("TMPDIR", folder)
    assert put() == Path(short)
    monkeypatch.setenv("RAY_TMPDIR", folder)
    with pytest.raises(UserError, match=f"RAY_TMPDIR: Ray cannot work there: .*{folder}"):
        put()


def test_a_full_disk_is_told(short, monkeypatch):
    monkeypatch.setattr(module, "ROOM", 2**60)
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with pytest.raises(UserError, match=f"TMPDIR or RAY_TMPDIR: Ray has no folder.*{short}: less than"):
        put()


def test_what_a_killed_driver_has_left_is_removed_and_nothing_else(short, monkeypatch):
    monkeypatch.setenv("TMPDIR", short)
    left, of_another_machine = Path(short, f"{PREFIX}left"), Path(short, f"{PREFIX}away")
    for folder, machine in ((left, platform.node()), (of_another_machine, "elsewhere")):
        folder.mkdir()
        (folder / "owner").write_text(machine)
        old = time.time() - 3600
        os.utime(folder, (old, old))
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(left)])
    with private_folder() as own:
        orphan.wait(10)
        monkeypatch.setattr(module, "YOUNG", 0.0)
        with private_folder():
            assert own.exists()
    assert not left.exists()
    assert of_another_machine.exists()
