"""`nemesis-sweep export`: the text features of the best prompt of a sweep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from safetensors.torch import load_file

from nemesis_sweep.cli import main
from tests.sweep.home.earlier import DIGITS, unpacked


def export(*words):
    return CliRunner().invoke(main, ["export", *map(str, words)])


def test_the_best_of_a_task_is_exported_and_told(tmp_path) -> None:
    home, to = unpacked(tmp_path) / "per_task", tmp_path / "to"
    answer = export(home, "--task", DIGITS, "--to", to, "--classnames", "one,two,a cat")
    assert answer.exit_code == 0, answer.output
    assert f"of {DIGITS}, the best of sweep" in answer.output
    assert f"Text features (3, 128)  {to}/text_features.safetensors" in answer.output
    assert load_file(to / "text_features.safetensors")["text_features"].shape == (3, 128)
    facts = json.loads((to / "text_features.json").read_text())
    assert facts["classnames"] == ["one", "two", "a cat"]
    assert "the best of sweep" in facts["source"]


def test_a_file_in_the_folders_place_is_refused_before_anything_is_read(tmp_path, monkeypatch) -> None:
    home = unpacked(tmp_path) / "joint"
    monkeypatch.setattr("nemesis_sweep.cli.export.learnt", lambda *_: pytest.fail("the prompt was read"))
    (tmp_path / "file").write_text("mine")
    answer = export(home, "--task", DIGITS, "--to", tmp_path / "file")
    assert answer.exit_code == 2
    assert "not a folder" in answer.output
    assert (tmp_path / "file").read_text() == "mine"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return unpacked(tmp_path_factory.mktemp("homes")) / "per_task"


def test_a_model_of_mlflow_is_registered_where_the_environment_says(home, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    given = (home, "--task", DIGITS, "--format", "mlflow")
    answer = export(*given, "--to", tmp_path / "to", "--register", "digits")
    assert answer.exit_code == 0, answer.output
    assert f"A model of 10 classes  {tmp_path}/to\n" in answer.output
    assert f"Version 1 of digits  in sqlite:///{tmp_path}/mlflow.db\n" in answer.output
    assert (tmp_path / "to" / "MLmodel").is_file()
    refused = export(*given, "--to", tmp_path / "other", "--register", "a/b")
    assert refused.exit_code == 2
    assert "--register: the registry at sqlite" in refused.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--register", "name"], "--register is of --format mlflow"),
        (["--format", "pickle"], "--format: no such choice; found 'pickle'; allowed: open_clip"),
        (["--format", "onnx", "--seed", "77"], "seed: no such seed"),
        (["--format", "mlflow", "--register", "name"], "--register: no registry to register in"),
    ],
)
def test_bad_input_writes_nothing(words, told, home, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    answer = export(home, "--task", DIGITS, "--to", tmp_path / "to", *words)
    assert answer.exit_code == 2
    assert told in answer.stderr
    assert not (tmp_path / "to").exists()
