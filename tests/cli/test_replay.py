"""`nemesis-sweep replay`: a trial of an earlier version's home, trained again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nemesis_sweep.cli import main
from tests.sweep.home.earlier import DIGITS, PHOTOS, unpacked


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return unpacked(tmp_path_factory.mktemp("homes")) / "per_task"


def replay(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["replay", *map(str, words)])


def test_a_row_is_the_same(home) -> None:
    answer = replay(home, f"{DIGITS}/zero_shot")
    assert answer.exit_code == 0, answer.output
    titles, first, *_ = answer.stdout.splitlines()
    assert titles.split() == ["metric", "seed", "recorded", "now", "difference"]
    assert first.split()[-1] == "equal"
    assert answer.stdout.splitlines()[-1].startswith(f"{DIGITS}/zero_shot: the same, ")


def test_another_result_ends_with_one(home, tmp_path) -> None:
    other = shutil.copytree(home, tmp_path / "home")
    file = other / "trials" / DIGITS / "zero_shot" / "result.json"
    result = json.loads(file.read_text())
    result["replicates"]["test/accuracy"][0] += 1
    result.pop("checksum", None)  # An earlier version wrote none.
    file.write_text(json.dumps(result))
    answer = replay(other, f"{DIGITS}/zero_shot", "--json")
    assert answer.exit_code == 1, answer.output
    told = json.loads(answer.stdout)
    assert not told["same"]
    assert {each["difference"] for each in told["ends"]} == {0.0, -1.0}
    assert told["reasons"]


def test_images_that_have_changed_are_a_reason_and_others_are_none(home, tmp_path, monkeypatch) -> None:
    shutil.copytree(home.parent, tmp_path / "all")
    monkeypatch.chdir(tmp_path / "all")
    reason = "./photos gives other images than when the sweep began"
    told = json.loads(replay("per_task", f"{PHOTOS}/zero_shot", "--json").stdout)
    assert reason not in told["reasons"]
    next(iter(sorted(Path("photos").rglob("*.png")))).unlink()
    told = json.loads(replay("per_task", f"{PHOTOS}/zero_shot", "--json").stdout)
    assert told["reasons"][0] == reason


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["per_task", f"{DIGITS}/99"], "STUDY/NUMBER: no such trial; found"),
        (["simulated", f"{DIGITS}/0"], "this home holds a simulation"),
        (["none", f"{DIGITS}/0"], "HOME: no such folder"),
    ],
)
def test_bad_input_has_one_line(words, told, home) -> None:
    answer = replay(home.parent / words[0], *words[1:])
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert told in answer.stderr
