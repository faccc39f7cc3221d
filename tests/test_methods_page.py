"""docs/methods.md: its commands run, and its table has every row that leaves something to use."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.spec.prompts import PROMPTS
from nemesis_sweep.training.references.saved import KINDS
from tests.trained_home import verb

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")


COMMANDS = "".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)).splitlines()
LESS = ("tasks.dataset=digits", "tasks.shots=1", "tasks.replicates=2", "method.epochs=1", "budget.trials=1")


@pytest.mark.parametrize(
    ("heading", "names"), [("Kinds of prompts", PROMPTS), ("Rows without a prompt", KINDS)]
)
def test_the_table_has_every_row(heading: str, names: Iterable[str]) -> None:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(names)


def test_every_command_runs(monkeypatch, tmp_path) -> None:
    """Shorter where it trains, in a folder of the test's."""
    monkeypatch.chdir(ROOT)
    assert {line.split()[1] for line in COMMANDS} == {"validate", "run"}
    for line in COMMANDS:
        words = shlex.split(line.replace("/tmp/", f"{tmp_path}/"))[1:]
        if words[0] == "run":
            answer = verb(monkeypatch, *words, *(word for each in LESS for word in ("--set", each)))
        else:
            answer = CliRunner().invoke(main, words)
        assert answer.exit_code == 0, answer.output


def test_every_file_that_it_names_is_there() -> None:
    for name in re.findall(r"`((?:docs|nemesis_sweep)/[\w/.]+)`", PAGE):
        assert (ROOT / name).exists(), name
