"""A home that some nodes cannot see is refused, with the nodes named."""

import threading

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.home import shared as shared_home
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.shared import refuse, refuse_without, sees


def test_a_file_that_is_there_or_turns_up_is_seen(tmp_path):
    there, late = tmp_path / "there", tmp_path / "late"
    there.touch()
    assert sees(str(there), patience=0)
    threading.Timer(0.3, late.touch).start()
    assert sees(str(late), patience=10)


def test_a_file_that_never_comes_is_not_seen(tmp_path):
    assert not sees(str(tmp_path / "never"), patience=0.3)


def test_all_nodes_see_it(tmp_path):
    refuse(Home(tmp_path), {"a (10.0.0.1)": True, "b (10.0.0.2)": True})


def test_nodes_that_do_not_are_named(tmp_path):
    answers = {"b (10.0.0.2)": False, "a (10.0.0.1)": True, "c (10.0.0.3)": "No module named 'nemesis_sweep'"}
    with pytest.raises(UserError) as caught:
        refuse(Home(tmp_path), answers)
    blind, broken = map(str, caught.value.problems)
    assert blind.startswith("--home: nodes that do not see the sweep's home: b (10.0.0.2); found ")
    assert broken.startswith("node c (10.0.0.3) cannot run trials: No module named 'nemesis_sweep'")


def test_a_worker_works_only_where_the_drivers_lock_is(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_home, "PATIENCE", 0.0)
    home = Home(tmp_path)
    with home.driver_lock():
        refuse_without(home)
    home.lock.unlink()
    with pytest.raises(UserError, match="--home: this node does not see the sweep's home; found "):
        refuse_without(home)


def test_a_driver_whose_home_is_gone_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_home, "PATIENCE", 0.0)
    home = Home(tmp_path / "home")
    home.create()
    home.lock.touch()
    shared_home.refuse_gone(home)
    home.path.rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="the sweep's home was removed or moved while it ran") as told:
        shared_home.refuse_gone(home)
    assert str(home.path) in str(told.value)
