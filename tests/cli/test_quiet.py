"""`nemesis-sweep run --quiet`: errors, and at the end the answer and where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from nemesis_sweep.cli.quiet import OnlyErrors
from tests.trained_home import SWEEP, verb


def test_only_a_trial_that_failed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with OnlyErrors() as told:
        told.say("an image is skipped")
        told.doing("starting")
        told.trial_started("digits-1shot", "0", {"omega": 1.0})
        told.epoch("digits-1shot", "0", 1, 2, {"val/accuracy": 50.0})
        told.trial_finished("digits-1shot", "0", "COMPLETE", 50.0, 1.0)
        told.trial_finished("digits-1shot", "1", "FAIL", None, 1.0, "no room\nleft")
        told.trial_waits("digits-1shot", "2", "the disk is full")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "error: digits-1shot trial 1 failed: no room left\n"


def test_a_quiet_run_prints_the_answer_and_where_everything_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "made.yaml").write_text(SWEEP)
    home = tmp_path / "home"
    answer = verb(monkeypatch, "run", tmp_path / "made.yaml", "--home", home, "--quiet", "--no-report")
    assert (answer.exit_code, answer.stderr) == (0, "")
    verdict, *places = answer.stdout.splitlines()
    assert verdict.startswith("1 task: ")
    assert places == [f"Home     {home}", f"Results  {home}/results.parquet"]
    assert all(Path(line.split()[1]).exists() for line in places)
