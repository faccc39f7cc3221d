"""`nemesis-sweep words`: the words nearest to the best prompt of a sweep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nemesis_sweep.cli import main
from tests.sweep.home.earlier import DIGITS, unpacked


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return unpacked(tmp_path_factory.mktemp("homes")) / "per_task"


def words(*given: str | Path) -> Result:
    return CliRunner().invoke(main, ["words", *map(str, given)])


def test_of_a_home_it_takes_the_best_of_a_task(home) -> None:
    answer = words(home, "--task", DIGITS, "--top", "2")
    assert answer.exit_code == 0, answer.output
    assert f"of {DIGITS}, the best of sweep" in answer.stderr
    head, titles, *lines = answer.stdout.splitlines()
    assert head.startswith("coop on icon-clip: ")
    assert titles.split() == ["seed", "vector", "norm", "nearest", "words", "and", "their", "distances"]
    assert len(lines[0].split()) == 3 + 2 * 2


def test_json_has_cosines_of_one_seed(home) -> None:
    folder = home / "trials" / DIGITS / "coop"
    answer = words(folder, "--seed", "1", "--json")
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert {each["seed"] for each in told["vectors"]} == {1}
    assert set(told["vectors"][0]["words"][0]) == {"token", "id", "distance", "cosine"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--task", "none"], "--task: no such task; found none"),
        (["--task", DIGITS, "--seed", "77"], "seed: no such seed; found 77"),
    ],
)
def test_bad_input_has_one_line(given, told, home) -> None:
    answer = words(home, *given)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert told in answer.stderr
