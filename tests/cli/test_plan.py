"""`nemesis-sweep plan`: how much there may be, and what of the data is not there yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main

PAN = Path(__file__).parents[2] / "search_spaces" / "pan.yaml"
PUN = PAN.with_name("pun.yaml")


def plan(file: Path, *settings: str) -> str:
    arguments = ["plan", str(file), *(word for each in settings for word in ("--set", each))]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_a_control_that_only_may_come_makes_it_at_most_so_many() -> None:
    assert "\n45 trials in all" in plan(PAN)
    assert "\nat most 138 trials in all" in plan(PUN)
    assert "\n132 trials in all" in plan(PUN, "search.baselines=[zero_shot, coop, paper]")


def test_any_number_of_trials_is_planned_at_once() -> None:
    assert f"\n{3 * 10**12 + 9} trials in all" in plan(PAN, f"budget.trials={10**12}")


def test_data_that_is_not_there_is_told_once_a_dataset(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("NEMESIS_SWEEP_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    told = plan(PAN, "tasks.dataset=[dtd, ./birds, ./there, clipart]", "tasks.shots=[1, 4]").splitlines()
    lines = [line for line in told if "no data yet" in line]
    look = "(`nemesis-sweep datasets check {}` shows what is looked for)"
    assert lines == [
        f"no data yet for dtd: DTD is not below {tmp_path} {look.format('dtd')}",
        f"no data yet for ./birds: there is no {tmp_path / 'birds'} {look.format('./birds')}",
    ]
    assert "`nemesis-sweep datasets check dtd --root /data`" in plan(
        PAN, "tasks.dataset=dtd", "tasks.root=/data"
    )


def test_a_narrow_terminal_cuts_no_number_whatever_the_names(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = "tasks.dataset=[./my/very/long/folder/of/photographs.parquet, ./another/one/photographs.parquet]"
    told = plan(PAN, long)
    assert "epochs" in told and "trials" in told and "fixed" in told and "…" not in told


@pytest.mark.parametrize("here", [True, False])
def test_a_folder_that_is_named_without_its_path_is_pointed_out(tmp_path: Path, monkeypatch, here) -> None:
    """Whether it lies in the current folder, where paths begin, or only beside the sweep file."""
    file = tmp_path / "own.yaml"
    file.write_text(PAN.read_text())
    (tmp_path / "shapes").mkdir()
    monkeypatch.delenv("NEMESIS_SWEEP_DATA", raising=False)
    monkeypatch.chdir(tmp_path if here else "/")
    result = CliRunner().invoke(main, ["plan", str(file), "--set", "tasks.dataset=[shapes]"])
    assert result.exit_code == 2
    written = "./shapes" if here else str(tmp_path / "shapes")
    assert f"Did you mean '{written}'?" in result.stderr
