"""A user id that no name belongs to."""

import os
import pwd
import tempfile
from pathlib import Path

import pytest

from nemesis_sweep.spec.no_home import give_a_home


@pytest.fixture
def nameless(monkeypatch, tmp_path):
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setenv("LOGNAME", "")
    monkeypatch.delenv("LOGNAME")
    return tmp_path


def test_it_gets_a_home_that_lasts(nameless, monkeypatch):
    give_a_home()
    home = Path.home()
    assert home == nameless / f"nemesis-home-{os.getuid()}"
    assert home.stat().st_mode & 0o777 == 0o700
    assert os.environ["LOGNAME"] == str(os.getuid())
    monkeypatch.delenv("HOME")
    give_a_home()
    assert Path.home() == home


def test_a_folder_that_others_may_write_to_is_not_taken(nameless):
    (nameless / f"nemesis-home-{os.getuid()}").mkdir()
    (nameless / f"nemesis-home-{os.getuid()}").chmod(0o777)
    give_a_home()
    assert Path.home().parent == nameless
    assert Path.home().stat().st_mode & 0o777 == 0o700


def test_a_home_that_is_known_stays(nameless, monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    give_a_home()
    assert os.environ["HOME"] == "/somewhere"
