"""`nemesis-sweep export`: the text features of the best prompt of a sweep."""

from __future__ import annotations

import json

from click.testing import CliRunner
from safetensors.torch import load_file

from nemesis_sweep.cli import main
from tests.sweep.home.earlier import DIGITS, unpacked


def export(*words):
    return CliRunner().invoke(main, ["export", *map(str, words)])


def test_the_best_of_a_task_is_exported_and_told(tmp_path) -> None:
    home, to = unpacked(tmp_path) / "per_task", tmp_path / "to"
    answer = export("--prompt", home, "--task", DIGITS, "--to", to, "--classnames", "one,two,a cat")
    assert answer.exit_code == 0, answer.output
    assert f"of {DIGITS}, the best of sweep" in answer.output
    assert f"Text features (3, 128)  {to}/text_features.safetensors" in answer.output
    assert load_file(to / "text_features.safetensors")["text_features"].shape == (3, 128)
    facts = json.loads((to / "text_features.json").read_text())
    assert facts["classnames"] == ["one", "two", "a cat"]
    assert "the best of sweep" in facts["source"]


def test_a_file_in_the_folders_place_is_refused(tmp_path) -> None:
    home = unpacked(tmp_path) / "joint"
    (tmp_path / "file").write_text("mine")
    answer = export("--prompt", home, "--task", DIGITS, "--to", tmp_path / "file")
    assert answer.exit_code == 2
    assert "not a folder" in answer.output
    assert (tmp_path / "file").read_text() == "mine"
