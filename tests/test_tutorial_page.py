"""docs/tutorial.md: its commands and its example, in their order and in one folder; less where they train."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from tests.trained_home import verb

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python|text|)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
COMMANDS = [
    shlex.split(line, comments=True)
    for kind, text in BLOCKS
    for line in text.splitlines()
    if kind == "sh" and line.startswith("nemesis-sweep")
]
LESS = ("tasks.shots=4", "tasks.replicates=2", "method.epochs=2", "budget.trials=1")


def test_the_first_command_is_one_that_make_knows() -> None:
    first = shlex.split(BLOCKS[0][1].splitlines()[0], comments=True)
    answer = subprocess.run(["make", "-n", *first[1:]], cwd=ROOT, capture_output=True, check=False)
    assert (first[0], answer.returncode) == ("make", 0)


def test_from_photos_to_their_classes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEMESIS_SWEEP_DATA", raising=False)
    (code,) = [text for kind, text in BLOCKS if kind == "python"]
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    told = {}
    for words in COMMANDS:
        less = [part for each in LESS for part in ("--set", each)] if words[1] == "run" else []
        answer = verb(monkeypatch, *words[1:], *less) if less else CliRunner().invoke(main, words[1:])
        assert answer.exit_code == 0, f"{words}\n{answer.output}"
        told[words[1], words[-1]] = answer.stdout
    shown = [text for kind, text in BLOCKS if kind == ""]
    assert told["init", "photos"] == shown[0]
    assert (tmp_path / "served" / "MLmodel").is_file()
    new = sorted(path.name for path in (tmp_path / "new").iterdir())
    lines = [line for line in told["classify", "new"].splitlines() if line.startswith("new/")]
    assert sorted(line.split(".webp")[0] + ".webp" for line in lines) == [f"new/{name}" for name in new]


def test_from_photos_to_predictions_takes_at_most_four_commands() -> None:
    verbs = [words[1] for words in COMMANDS]
    assert verbs.index("classify") < 4
