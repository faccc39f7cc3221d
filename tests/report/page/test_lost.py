"""Complete trials whose results are missing or damaged are left out, and a line says so."""

from __future__ import annotations

import shutil

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.report.page.contenders import PLAIN
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.notes import lost
from nemesis_sweep.report.page.record import read_sweeps


def test_a_trial_without_its_result_is_left_out_and_told(home, tmp_path) -> None:
    shutil.copytree(home, tmp_path / "home")
    (study, *_) = sorted((tmp_path / "home" / "trials").iterdir())
    shutil.rmtree(study / "0")
    (study / "coop" / "result.json").write_text("{")
    made = Material(read_sweeps([tmp_path / "home"]))
    task = next(task for task in made.tasks if task.study == study.name)
    assert {"0", "coop"}.isdisjoint(row.number for row in task.rows)
    assert task.contender(PLAIN) is None
    assert not any("None" in each.method for each in task.contenders)
    (note,) = lost.PIECE.make(made)
    assert f"trials/{study.name}/coop/result.json and 1 other result are missing or damaged" in note.text


def test_of_a_whole_home_nothing_is_left_out(home) -> None:
    assert list(lost.PIECE.make(Material(read_sweeps([home])))) == []


def test_a_home_that_has_lost_all_results_is_refused(home, tmp_path) -> None:
    shutil.copytree(home, tmp_path / "home")
    for file in (tmp_path / "home" / "trials").rglob("result.json"):
        file.unlink()
    with pytest.raises(UserError, match=r"result\.json and \d+ other results are missing or damaged"):
        read_sweeps([tmp_path / "home"])
