"""A full disk: known by whoever says it, named with its file, and nothing half-written is left."""

import errno
import os
import sqlite3

import pytest
import torch

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.files.full_disk import full_disk, has_room
from nemesis_sweep.files.sealed import write_sealed
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.full_disk_error import FullDiskError, no_room, told_when_full
from nemesis_sweep.sweep.worker.failure import failure
from nemesis_sweep.training.checkpoint import load_checkpoint, save_checkpoint
from tests.small_disk import limited_files

TOO_LARGE = os.strerror(errno.EFBIG)
NO_SPACE = os.strerror(errno.ENOSPC)


def caught(work) -> Exception:
    with pytest.raises(Exception) as raised:
        work()
    return raised.value


def full_database(path) -> Exception:
    """What SQLite raises when there is no page left."""
    with sqlite3.connect(path) as database:
        database.execute("create table t(x)")
        database.execute("pragma max_page_count = 2")
        return caught(lambda: database.execute("insert into t values (zeroblob(100000))"))


def raised_from(cause: Exception) -> Exception:
    def work():
        try:
            raise cause
        except Exception as error:
            raise RuntimeError("Tune failed") from error

    return caught(work)


def test_it_is_known_by_number_by_words_and_through_what_wraps_it(tmp_path):
    full = OSError(errno.ENOSPC, NO_SPACE, "/disk/file")
    for error in (full, raised_from(raised_from(full))):
        assert full_disk(error) == (NO_SPACE, "/disk/file", f"[Errno 28] {NO_SPACE}: '/disk/file'")
    assert full_disk(full_database(tmp_path / "db"))[:2] == ("database or disk is full", "")
    assert full_disk(RuntimeError(f"RayTaskError: OSError: [Errno 28] {NO_SPACE}"))[:2] == (NO_SPACE, "")
    for other in (FileNotFoundError(2, "none"), ValueError("full of holes"), None):
        assert full_disk(other) is None


def test_what_is_replaced_stays_as_it_was(tmp_path):
    """JSON, a checkpoint of safetensors, anything: the error names the file, and no part of it is left."""
    state = {"a": torch.arange(10.0)}
    write_sealed(tmp_path / "a.json", {"a": state["a"].tolist()})
    save_checkpoint(tmp_path, state)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with limited_files(1000):
        for work in (
            lambda: write_sealed(tmp_path / "a.json", {"a": "x" * 5000}),
            lambda: save_checkpoint(tmp_path, {"a": torch.arange(1000.0)}),
        ):
            error = caught(work)
            assert isinstance(error, OSError)
            reason, file, _ = full_disk(error)
            assert reason == TOO_LARGE and file.startswith(str(tmp_path))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert torch.equal(load_checkpoint(tmp_path)["a"], state["a"])


def test_another_error_is_left_as_it_is(tmp_path):
    with pytest.raises(ValueError, match="no"), replacing(tmp_path / "a") as file:
        file.write_text("half")
        raise ValueError("no")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_is_asked_whether_it_has_room(tmp_path):
    assert has_room(tmp_path) and has_room(tmp_path / "nowhere")
    with limited_files(1000):
        assert not has_room(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_trial_that_finds_no_room_says_so_and_leaves_no_traceback(tmp_path):
    told = failure(OSError(errno.ENOSPC, NO_SPACE, "/data/shard.arrow"), tmp_path)
    assert told.full.startswith(f"/data/shard.arrow ({NO_SPACE}) on ")
    assert not told.failure
    with limited_files(1000):
        # Its own words say nothing: SQLite's of a file that it cannot open, say.
        assert failure(ValueError("unable to open database file"), tmp_path).full
    assert not (tmp_path / "error.txt").exists()
    assert failure(ValueError("unable to open database file"), tmp_path).failure


def test_the_disk_of_a_server_is_not_taken_for_the_homes(tmp_path):
    said = f'(psycopg.errors.DiskFull) could not extend file "base/5": {NO_SPACE}'
    found = no_room(raised_from(RuntimeError(f"{said}\n[SQL: INSERT]")), tmp_path)
    assert found == f"{said} [SQL: INSERT]"
    with limited_files(1000):
        assert no_room(RuntimeError(said), tmp_path) == f"{tmp_path} ({NO_SPACE})"


def test_one_clear_error_says_what_to_do(tmp_path):
    with pytest.raises(FullDiskError) as raised, told_when_full(Home(tmp_path)):
        raise raised_from(OSError(errno.ENOSPC, NO_SPACE, "/disk/optuna.journal"))
    text = str(raised.value)
    assert text.startswith(f"the disk is full; found /disk/optuna.journal ({NO_SPACE}); allowed: room there")
    assert "the same command again" in text
    with pytest.raises(UserError, match="something else"), told_when_full(Home(tmp_path)):
        raise UserError("something else")
    with pytest.raises(ZeroDivisionError), told_when_full(Home(tmp_path)):
        _ = 1 / 0
