from __future__ import annotations

import pytest

from nemesis_sweep.report.page.figures.slices import PIECE
from tests.report.page.made import Trial, material


@pytest.fixture(scope="module")
def axes():
    first = [
        Trial({"omega": 10.0, "beta": 0.0, "corruption": 0.45}, 60),
        Trial({"omega": 1.0, "beta": 1.0}, 70),
        Trial({"omega": 100.0, "beta": 1.0}, state="PRUNED"),
        Trial({"omega": 100.0, "beta": 1.0}, state="FAIL"),
    ]
    second = [Trial({"omega": 100.0, "beta": 1.0}, 40), Trial({"omega": 1.0, "beta": 1.0}, 35)]
    (picture,) = PIECE.make(material({"digits-1shot": first, "digits-4shot": second}))
    return {ax.get_xlabel(): ax for ax in picture.figure.axes}


def lines(ax, label):
    return [
        (list(line.get_xdata()), list(line.get_ydata())) for line in ax.lines if line.get_label() == label
    ]


def test_there_is_a_panel_for_every_dimension(axes) -> None:
    assert list(axes) == ["omega", "beta", "corruption"]


def test_heights_are_those_behind_the_best_of_each_task(axes) -> None:
    assert lines(axes["omega"], "digits 1-shot") == [([0, 0.5], [0, -10])]
    assert lines(axes["omega"], "digits 4-shot") == [([1, 0], [0, -5])]


def test_trials_without_the_dimension_are_in_no_panel(axes) -> None:
    assert lines(axes["corruption"], "digits 1-shot") == [([0.5], [-10])]
    assert lines(axes["corruption"], "digits 4-shot") == [([], [])]


def test_pruned_and_failed_trials_stand_on_the_edge(axes) -> None:
    assert lines(axes["omega"], "pruned") == [([1], [0])]
    assert lines(axes["omega"], "failed") == [([1], [0])]
    (line,) = [line for line in axes["omega"].lines if line.get_label() == "failed"]
    assert line.get_transform() == axes["omega"].get_xaxis_transform()


def test_the_points_of_a_choice_stay_nearest_to_it(axes) -> None:
    ((x, _),) = lines(axes["beta"], "digits 1-shot")
    assert [round(place * 2 - 0.5) for place in x] == [1, 0]
