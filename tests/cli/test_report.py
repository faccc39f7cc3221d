"""`nemesis-sweep report`, and the report at the end of a run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nemesis_sweep.cli import main
from nemesis_sweep.cli.report import write_after_a_run
from tests.small_disk import limited_files
from tests.sweep.home.earlier import unpacked

HEAVY = ("torch", "ray", "mlflow", "open_clip", "transformers", "sklearn")
SPACE = str(Path(__file__).parents[2] / "search_spaces" / "pan.yaml")


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def earlier(tmp_path_factory) -> Path:
    """Homes of an earlier version."""
    return unpacked(tmp_path_factory.mktemp("earlier"))


@pytest.mark.parametrize("kind", ["per_task", "joint", "simulated"])
def test_homes_of_an_earlier_version_have_a_report(earlier, kind) -> None:
    answer = call("report", earlier / kind)
    assert answer.exit_code == 0, answer.output
    page = earlier / kind / "report" / "report.html"
    assert answer.stdout.split() == ["Report", str(page)]
    assert ("Simulated: nothing here was trained" in page.read_text()) == (kind == "simulated")


def test_it_needs_neither_torch_nor_ray_nor_mlflow(earlier, tmp_path) -> None:
    words = ["report", str(earlier / "joint"), "--to", str(tmp_path / "to")]
    code = (
        "import os, sys; from nemesis_sweep.cli import main\n"
        "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"  # All in this process.
        f"main({words!r}, standalone_mode=False)\n"
        f"import json; print(json.dumps(sorted(set({HEAVY!r}) & sys.modules.keys())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_a_run_ends_by_writing_it_unless_told_not_to(tmp_path, monkeypatch) -> None:
    run = ["run", SPACE, "--simulate", "--trials", "2", "--home", tmp_path]
    page = tmp_path / "report" / "report.html"
    assert "Report" not in call(*run, "--no-report").output
    monkeypatch.setenv("NEMESIS_SWEEP_REPORT", "0")
    assert "Report" not in call(*run).output
    assert not page.exists()
    monkeypatch.delenv("NEMESIS_SWEEP_REPORT")
    assert f"\nReport   {page}\n" in call(*run).output
    assert page.is_file()


def test_a_report_that_fails_leaves_the_run_as_it_is(tmp_path, capsys) -> None:
    write_after_a_run(tmp_path)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("The report was not written: HOME: no sweep in this folder")


def refused(*words: str | Path) -> str:
    answer = call("report", *words)
    assert answer.exit_code == 2, answer.output
    assert isinstance(answer.exception, SystemExit)
    return answer.output


def test_homes_without_a_task_in_common_are_refused(earlier, tmp_path) -> None:
    other = ["--set", "tasks.dataset=clipart", "--home", tmp_path / "other"]
    call("run", SPACE, "--simulate", "--trials", "1", *other)
    told = refused(earlier / "simulated", tmp_path / "other", "--to", tmp_path / "to")
    assert "no task in common" in told
    assert not (tmp_path / "to").exists()


def test_a_home_in_which_nothing_is_complete_is_refused(earlier, tmp_path) -> None:
    call(
        "run",
        SPACE,
        "--simulate",
        "--trials",
        "0",
        "--home",
        tmp_path / "none",
        "--set",
        "search.baselines=[]",
    )
    assert "no trial that trains a prompt has completed" in refused(tmp_path / "none")


def test_on_a_full_disk_the_earlier_report_stays(earlier, tmp_path) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "report.html").write_text("Written by nemesis-sweep, earlier")
    with limited_files(2000):
        told = refused(earlier / "joint", "--to", folder)
    assert "File too large" in told
    assert (folder / "report.html").read_text() == "Written by nemesis-sweep, earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_the_commands_of_its_page_work(earlier, tmp_path, monkeypatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "report.md").read_text()
    lines = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[0].splitlines()
    for name in ("pan", "pun"):
        shutil.copytree(earlier / "per_task", tmp_path / "sweeps" / name, ignore=lambda *_: ["report"])
    monkeypatch.chdir(tmp_path)
    for line in lines:
        answer = call(*shlex.split(line, comments=True)[1:])
        assert answer.exit_code == 0, answer.output
    assert Path("sweeps/pan/report/report.html").is_file()
    assert Path("both/report.html").is_file()


def test_ctrl_c_ends_it_as_it_ends_other_verbs(earlier, tmp_path, monkeypatch) -> None:
    def interrupted(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nemesis_sweep.report.page.build.html_page", interrupted)
    answer = call("report", earlier / "joint", "--to", tmp_path / "report")
    assert answer.exit_code == 130
    assert answer.output.strip().splitlines()[-1] == "Interrupted."
    assert list(tmp_path.iterdir()) == []
