"""The home of a sweep: one driver at a time, whole files only, clear refusals."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nemesis_sweep.files.sealed import write_sealed
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.home.folder import Home, environment, home_at, open_lock
from tests.somebody_else import told_somebody_else


def test_a_second_driver_is_refused_and_told_who_is_there(tmp_path):
    home = Home(tmp_path)
    context = multiprocessing.get_context("fork")
    held, done = context.Event(), context.Event()

    def hold() -> None:
        with home.driver_lock():
            held.set()
            done.wait(30)

    first = context.Process(target=hold)
    first.start()
    assert held.wait(30)
    with pytest.raises(UserError, match=f"another run is at work.*process {first.pid}"), home.driver_lock():
        pass
    first.kill()
    first.join()
    with home.driver_lock():
        pass


def test_a_home_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match="--home: the sweep's home cannot be written"):
        Home(tmp_path / "file" / "home").create()


def test_json_replaces_the_whole_file(tmp_path):
    path = tmp_path / "deep" / "a.json"
    write_sealed(path, {"a": 1})
    write_sealed(path, {"b": 2})
    assert [line.strip(" ,") for line in path.read_text().splitlines()[:2]] == ["{", '"b": 2']
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


def test_the_environment_names_versions():
    assert environment()["packages"]["optuna"] != "not installed"


def test_a_folder_is_kept_as_it_is_meant(tmp_path, monkeypatch):
    (tmp_path / "disk" / "sweeps").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "sweeps")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home_at(Path("../link/pan")).path == tmp_path / "link" / "pan"
    assert home_at(Path("~/link")).path == tmp_path / "link"


@pytest.mark.parametrize("name", ["holiday.jpg", "sweep.yaml", ".git"])
def test_a_folder_that_holds_something_else_is_refused_and_left_as_it_is(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(UserError, match=f"--home: not the home of a sweep, and not empty; .* with {name};"):
        Home(tmp_path).create()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("left", ["driver.lock", "optuna.journal", ".write-17", ".room-17", "lost+found"])
def test_what_a_killed_run_left_is_a_home_and_so_is_a_new_disk(tmp_path, left):
    (tmp_path / left).touch()
    Home(tmp_path).create()
    with Home(tmp_path).driver_lock():
        (tmp_path / "logs").mkdir()
    Home(tmp_path).create()


@pytest.mark.parametrize(("into", "code"), [("home/driver.log", 0), ("elsewhere.log", 1)])
def test_the_log_that_a_shell_opens_for_a_run_in_its_home_is_no_foreign_file(tmp_path, into, code):
    home = tmp_path / "home"
    home.mkdir()
    (home / "driver.log").touch()
    script = f"from nemesis_sweep.sweep.home.folder import Home, Path; Home(Path({str(home)!r})).create()"
    with (tmp_path / into).open("w") as log:
        done = subprocess.run([sys.executable, "-c", script], stdout=log, stderr=log, check=False)
    assert done.returncode == code


def test_a_folder_that_may_not_be_looked_into_is_one_clear_error(tmp_path):
    (tmp_path / "closed" / "home").mkdir(parents=True)
    (tmp_path / "closed").chmod(0)
    message = "UserError: --home: the sweep's home cannot be looked into: Permission denied"
    assert told_somebody_else(lambda: home_at(tmp_path / "closed" / "home")).startswith(message)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (os.mkfifo, "a pipe, not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "a device, not a file"),
        (lambda path: path.mkdir(), r"(Is a directory|a folder, not a file)"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
    ],
)
def test_a_lock_that_is_no_file_is_waited_for_by_nobody(tmp_path, make, reason):
    home = Home(tmp_path)
    make(home.lock)
    for how in ("r", "a+"):
        with pytest.raises(UserError, match=f"driver.lock: the sweep's lock cannot be opened: {reason}"):
            open_lock(home.lock, how)
