"""Shell completion, by a bash that is typed into: Alt-* writes all completions into the line."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nemesis_sweep.cli import VERBS
from nemesis_sweep.spec.start.shipped import shipped_names
from tests.cli.test_validate import HEAVY

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
README = (Path(__file__).parents[2] / "README.md").read_text()
(SETUP,) = re.findall(r"^eval .*$", README, re.MULTILINE)
ALL, START_OF_LINE = "\x1b*", "\x01"
TYPED = {
    "verbs": "",
    "verb": "sta",
    "options": "run --ex",
    "homes": "status s",
    "home": "report sweeps/on",
    "folders": "status oth",
    "prompt": "export sweeps/t",
    "trials": "replay sweeps/one pan/",
    "shipped": "init p",
    "file": "run mi",
    "datasets": "init --dataset digits,cli",
}


@pytest.fixture(scope="module")
def completed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The words behind `nemesis-sweep` once a line of ``TYPED`` is completed."""
    folder = tmp_path_factory.mktemp("typed")
    for name in (
        "sweeps/one/trials/pan/1",
        "sweeps/one/trials/pan/coop",
        "sweeps/two",
        "sweeps/none",
        "other",
    ):
        (folder / name).mkdir(parents=True)
    for name in ("sweeps/one/sweep.yaml", "sweeps/two/sweep.yaml", "mine.yaml"):
        (folder / name).touch()
    lines = [f"nemesis-sweep {typed}{ALL}{START_OF_LINE}echo TOLD {key} \n" for key, typed in TYPED.items()]
    parent, child = pty.openpty()
    os.write(parent, "".join([f"{SETUP}\n", *lines, "exit\n"]).encode())
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TERM": "dumb",
        "COLUMNS": "2000",
    }
    subprocess.run(
        ["bash", "--norc", "--noprofile", "-i"],
        stdin=child,
        stdout=child,
        stderr=child,
        cwd=folder,
        env=environment,
        timeout=120,
        check=False,
    )
    told = os.read(parent, 1_000_000).decode()
    os.close(child)
    os.close(parent)
    found = re.findall(r"^TOLD (\w+) nemesis-sweep ?(.*?)\s*$", told, re.MULTILINE)
    assert {key for key, _ in found} == set(TYPED), told
    return {key: words.split() for key, words in found}


def test_verbs(completed: dict[str, list[str]]) -> None:
    assert completed["verbs"] == list(VERBS)
    assert completed["verb"] == ["status"]


def test_options(completed: dict[str, list[str]]) -> None:
    assert completed["options"] == ["run", "--extend"]


def test_homes_below_sweeps_and_else_folders(completed: dict[str, list[str]]) -> None:
    assert completed["homes"] == ["status", "sweeps/one", "sweeps/two"]
    assert completed["home"] == ["report", "sweeps/one"]
    assert completed["folders"] in (["status", "other"], ["status", "other/"])


def test_homes_of_a_prompt_and_trials_of_a_home(completed: dict[str, list[str]]) -> None:
    assert completed["prompt"] == ["export", "sweeps/two"]
    assert completed["trials"] == ["replay", "sweeps/one", "pan/1", "pan/coop"]


def test_files_and_names(completed: dict[str, list[str]]) -> None:
    assert completed["file"] == ["run", "mine.yaml"]
    assert completed["shipped"] == ["init", *[name for name in shipped_names() if name.startswith("p")]]
    assert completed["datasets"] == ["init", "--dataset", "digits,clipart", "digits,clipart_ink"]


@pytest.mark.parametrize("words", ["nemesis-sweep run --", "nemesis-sweep report s", "nemesis-sweep init p"])
def test_nothing_heavy_is_imported_for_it(words: str, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom nemesis_sweep.cli import main\n"
        "try:\n    main(prog_name='nemesis-sweep')\n"
        "except SystemExit:\n    print('IMPORTED', *{name.partition('.')[0] for name in sys.modules})"
    )
    asked = {
        "_NEMESIS_SWEEP_COMPLETE": "bash_complete",
        "COMP_WORDS": words.replace(" ", "\n"),
        "COMP_CWORD": "2",
    }
    told = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, **asked},
    ).stdout
    assert "click" in told and "," in told
    assert not HEAVY & set(told.splitlines()[-1].split())
