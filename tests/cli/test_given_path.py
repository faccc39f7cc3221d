"""Paths on a command line that are none: an empty one is mostly a variable of a shell that is not set."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["classify", ""], "IMAGE|FOLDER"),
        (["classify", "x.png", "--prompt", ""], "--prompt"),
        (["export", "--to", ""], "--to"),
        (["words", ""], "HOME|FOLDER|RUN"),
        (["init", "x.yaml", "--images", ""], "--images"),
        (["run", "x.yaml", "--home", ""], "--home"),
        (["report", ""], "HOME"),
        (["corrupt", ""], "PROMPT|HOME"),
        (["status", ""], "HOME"),
        (["replay", "", "pan/3"], "HOME"),
    ],
)
def test_an_empty_path_is_not_the_current_folder(words, where, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"error: {where}: no path; found ''; allowed: ")
    assert not list(tmp_path.iterdir())


def test_a_link_that_leads_to_itself_is_told_with_its_place(tmp_path) -> None:
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    answer = CliRunner().invoke(main, ["classify", str(loop)])
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: IMAGE|FOLDER: this path leads nowhere: ")


def test_pages_are_not_served_at_no_address(tmp_path) -> None:
    answer = CliRunner().invoke(main, ["ui", str(tmp_path), "--host", " "])
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: --host: no address; found ' '; allowed: ")
