"""Every command of docs/low-norm.md, on a prompt and a home that are there."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import nemesis_sweep as ns
from nemesis_sweep.cli import main
from tests.sweep.home.earlier import DIGITS, unpacked

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "low-norm.md").read_text()
COMMANDS = [
    shlex.split(line)[1:]
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A current folder with `my-prompt`, a home at `sweeps/pan`, and the search spaces."""
    place = tmp_path_factory.mktemp("page")
    result = ns.fit("icon-clip", "digits", {"n_ctx": 2, "epochs": 1, "views": 1}, shots=1, seeds=(1, 2))
    result.save(place / "my-prompt")
    (place / "sweeps").mkdir()
    (unpacked(place / "earlier") / "per_task").rename(place / "sweeps" / "pan")
    (place / "search_spaces").symlink_to(ROOT / "search_spaces")
    return place


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_it_works_as_it_stands(command, folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    words = [DIGITS if word == "digits-16shot" else word for word in command]
    if words[0] == "run":
        # These need OpenAI's weights and downloaded images: here only that all they say is known.
        words[0] = "validate"
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 0, answer.output
