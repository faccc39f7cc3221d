"""docs/methods.md: its commands run, and its table has every row that leaves something to use."""

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.training.references.saved import KINDS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")


def test_the_table_has_every_row() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(KINDS)


def test_every_command_runs(monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    commands = re.findall(r"^```sh\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert commands
    for line in "".join(commands).splitlines():
        answer = CliRunner().invoke(main, shlex.split(line)[1:])
        assert answer.exit_code == 0, answer.output


def test_every_file_that_it_names_is_there() -> None:
    for name in re.findall(r"`((?:docs|nemesis_sweep)/[\w/.]+)`", PAGE):
        assert (ROOT / name).exists(), name
