"""A folder that a command replaces whole."""

import os
from pathlib import Path

import pytest

from nemesis_sweep.files.own_folder import refuse_foreign, refuse_irreplaceable, refuse_uncreatable
from nemesis_sweep.messages.errors import UserError


@pytest.mark.parametrize("held", [(), ("a.svg",)])
def test_an_empty_folder_and_an_earlier_one_are_taken(tmp_path, held):
    for name in held:
        (tmp_path / name).touch()
    refuse_foreign(tmp_path, "--to", ("a.svg", "b.svg"))
    refuse_foreign(tmp_path / "new", "--to", ("a.svg",))


def test_another_file_a_file_and_the_current_folder_are_not(tmp_path, monkeypatch):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match=r"holds something else; found .* with thesis\.tex"):
        refuse_foreign(tmp_path, "--to", ("a.svg",))
    with pytest.raises(UserError, match="not a folder"):
        refuse_foreign(tmp_path / "thesis.tex", "--to", ())
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to("here")
    monkeypatch.chdir(tmp_path / "here")
    for folder in (tmp_path / "here", tmp_path / "link"):
        with pytest.raises(UserError, match="the current folder"):
            refuse_foreign(folder, "--to", ())


def test_a_folder_in_one_that_may_not_be_written_in_is_refused(tmp_path, monkeypatch):
    """Who runs the tests may be root, who may write everywhere."""
    (tmp_path / "theirs").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / "theirs")
    with pytest.raises(UserError, match=r"--to: no permission to write there; found .*theirs; allowed"):
        refuse_uncreatable(tmp_path / "theirs" / "a" / "b", "--to")
    refuse_uncreatable(tmp_path / "a" / "b", "--to")
    (tmp_path / "theirs" / "mine").mkdir()
    (tmp_path / "link").symlink_to("theirs/mine")
    for folder in (tmp_path / "theirs" / "mine", tmp_path / "link"):
        refuse_uncreatable(folder, "--to")
        with pytest.raises(UserError, match="no permission to write there"):
            refuse_irreplaceable(folder, "--to")


def test_where_no_folder_can_be_made_is_seen_before(tmp_path):
    """Root may write everywhere, by the permissions of /proc too."""
    with pytest.raises(UserError, match=r"--to: no .* there[:;].* found /proc; allowed"):
        refuse_uncreatable(Path("/proc/a/b"), "--to")
    refuse_uncreatable(tmp_path / "a", "--to")
    assert list(tmp_path.iterdir()) == []
