from __future__ import annotations

import dataclasses

import pytest

from nemesis_sweep.report.page.record import SweepRecord
from nemesis_sweep.report.page.tables.cost import PIECE, saved_hours
from tests.report.page.made import Trial, material

PUN = {"omega": 10.0, "beta": 1.0}


def table(trials, **more):
    (made,) = PIECE.make(material({"digits-1shot": trials}, **more))
    names = [column.name for column in made.columns]
    return {line.cells[0]: dict(zip(names, line.cells, strict=True)) for line in made.lines}


def test_states_and_hours_are_those_of_all_trials() -> None:
    trials = [Trial(PUN, 60, seconds=100), Trial(PUN, 60, seconds=200), Trial(PUN, seconds=60, state="FAIL")]
    line = table(trials)["coop"]
    assert [line[name] for name in ("trials", "complete", "pruned", "failed")] == [3, 2, 0, 1]
    assert line["hours"] == pytest.approx(0.1)
    assert line["seconds a trial"] == 150


def test_what_stands_beside_the_search_is_told_apart() -> None:
    found = table([Trial(PUN, 60, seconds=100)], coop=50.0)
    assert list(found) == ["coop", "beside the search", "all"]
    # Both tasks have plain CoOp.
    assert found["all"]["trials"] == 3


def pruned(epochs: int | None) -> tuple[SweepRecord, list]:
    (record,) = material({"digits-1shot": [Trial(PUN, seconds=600, state="PRUNED")]}).sweeps
    return record, [dataclasses.replace(row, epochs=epochs) for row in record.rows]


def test_pruning_saved_the_time_of_the_epochs_that_were_not_trained() -> None:
    # 10 of 50 epochs took 600 s: the other 40 would have taken 2,400.
    assert saved_hours(*pruned(10)) == pytest.approx(2400 / 3600)


def test_what_was_saved_is_not_known_without_the_epochs() -> None:
    assert saved_hours(*pruned(0)) is None


def test_without_pruning_nothing_was_saved() -> None:
    assert table([Trial(PUN, 60)])["coop"]["hours saved by pruning"] is None
