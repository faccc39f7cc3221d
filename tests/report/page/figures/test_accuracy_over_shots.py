from __future__ import annotations

import pytest

from nemesis_sweep.report.page.figures.accuracy_over_shots import PIECE
from nemesis_sweep.report.page.sheets import ROWS
from nemesis_sweep.report.page.style import ACROSS
from tests.report.page.made import Trial, material

FILE = """
name: made
tasks: {{dataset: [{}], shots: {}, replicates: 3}}
method: {{views: 1}}
space: {{omega: {{low: 1, high: 100, log: true}}, beta: {{choices: [1]}}}}
"""
SHIPPED = ["digits", "clipart", "emoji", "clipart_ink", "emoji_streamline"]
NAMES = [*SHIPPED, "dtd", "eurosat", "food101", "ucf101", "sun397", "caltech101", "imagenet", "oxford_pets"]


def pictures(names, shots):
    trials = {
        f"{name}-{count}shot": [Trial({"omega": 10.0, "beta": 1.0}, 60, 60 + count)]
        for name in names
        for count in shots
    }
    return list(PIECE.make(material(trials, FILE.format(", ".join(names), shots))))


def test_every_dataset_has_a_panel_and_no_sheet_more_than_fit() -> None:
    found = pictures(NAMES, [1, 4])
    assert [each.name for each in found] == ["accuracy-over-shots-1", "accuracy-over-shots-2"]
    panels = [ax.get_title() for each in found for ax in each.figure.axes]
    assert panels == NAMES
    assert all(len(each.figure.axes) <= ROWS * ACROSS for each in found)


def test_a_point_is_the_mean_on_test_and_stands_at_its_shots() -> None:
    (picture,) = pictures(["digits"], [1, 4])
    (ax,) = picture.figure.axes
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "4"]
    best = next(each for each in ax.containers if each.get_label() == "best found")
    line = best.lines[0]
    assert line.get_xdata() == pytest.approx([0, 1], abs=0.2)
    assert line.get_ydata()[1] - line.get_ydata()[0] == pytest.approx(3)


def test_one_number_of_shots_needs_no_such_picture() -> None:
    assert pictures(["digits"], [4]) == []
