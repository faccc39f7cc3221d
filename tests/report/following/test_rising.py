from __future__ import annotations

import pytest

from nemesis_sweep.report.following.rising import still_rising
from nemesis_sweep.report.page.notes.following import PIECE
from tests.report.page.made import Trial, material

EPOCHS = range(5, 55, 5)


def test_curves_that_rise_to_the_end_are_told_with_what_they_gain() -> None:
    curves = [{epoch: 50 + 0.1 * epoch + shift for epoch in EPOCHS} for shift in (0, 1, 2)]
    rise = still_rising(curves)
    assert rise is not None
    # From epoch 25 to epoch 45: the last measurement is left out.
    assert rise.gain == pytest.approx(2.0)
    assert rise.trials == 3


def test_curves_that_have_come_to_rest_are_not() -> None:
    assert still_rising([{epoch: min(60, 50 + epoch) for epoch in EPOCHS}] * 5) is None


def test_a_lucky_last_measurement_is_no_rise() -> None:
    assert still_rising([{**dict.fromkeys(EPOCHS, 60.0), 50: 64.0 + each} for each in range(5)]) is None


def test_curves_that_disagree_are_no_rise() -> None:
    slopes = (0.2, -0.15, 0.1, -0.05, 0.05)
    assert still_rising([{epoch: slope * epoch for epoch in EPOCHS} for slope in slopes]) is None


def test_a_loss_improves_as_it_falls() -> None:
    curves = [{epoch: 5 - 0.05 * epoch for epoch in EPOCHS}] * 3
    assert still_rising(curves) is None
    assert still_rising(curves, sign=-1) is not None


def test_a_few_measurements_or_trials_tell_nothing() -> None:
    steep = {epoch: float(epoch) for epoch in EPOCHS}
    assert still_rising([steep] * 2) is None
    assert still_rising([{10: 1.0, 20: 2.0, 30: 3.0, 40: 4.0}] * 5) is None


def rising_trials(slope: float) -> list[Trial]:
    """Trials that gain so much in every epoch: 20 times as much from epoch 25 to 45."""
    curves = [{epoch: slope * epoch + each for epoch in EPOCHS} for each in range(4)]
    return [Trial({"omega": 1.0, "beta": 1.0}, curve[50], curve=curve) for curve in curves]


def test_tasks_that_still_rise_share_a_line() -> None:
    two = material({"digits-1shot": rising_trials(0.1), "digits-4shot": rising_trials(0.5)})
    (told,) = [note.text for note in PIECE.make(two) if "Still rising" in note.text]
    assert told.startswith("Still rising at the end: digits 1-shot, digits 4-shot: val/accuracy of the best")
    assert "by 2.0 to 10.0 on average" in told
    assert told.endswith("more than 50 epochs may do better; try 100.")
