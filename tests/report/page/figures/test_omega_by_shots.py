from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from nemesis_sweep.report.page.figures.omega_by_shots import PIECE, rank_correlation
from tests.report.page.made import SWEEP, Trial, material

PAN = {"beta": 0.0, "corruption": 0.5}


def axes_of(made):
    (picture,) = PIECE.make(made)
    return picture.figure.axes


def points(ax, label):
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line.get_xdata(), line.get_ydata()


def test_a_point_stands_at_the_logarithm_of_omega_and_at_the_test_accuracy() -> None:
    trials = [
        Trial({"omega": omega, "beta": 1.0}, 60, 50 + omega) for omega in (1, 2, 4, 8, 10, 20, 40, 80, 100)
    ]
    ax, _ = axes_of(material({"digits-1shot": trials, "digits-4shot": trials}))
    x, y = points(ax, "PUN")
    assert x == pytest.approx(np.log10([1, 2, 4, 8, 10, 20, 40, 80, 100]) / 2)
    assert list(y) == [51, 52, 54, 58, 60, 70, 90, 130, 150]


def test_each_penalty_has_points_of_its_own_and_the_selected_trial_a_ring() -> None:
    trials = [Trial({"omega": 1.0, "beta": 1.0}, 60, 51), Trial({"omega": 100.0, **PAN}, 70, 49)]
    (ax,) = axes_of(material({"digits-1shot": trials}, coop=44))
    assert list(points(ax, "PUN")[1]) == [51]
    assert list(points(ax, "PAN")[1]) == [49]
    assert list(points(ax, "selected on val/accuracy")[1]) == [49]
    assert set(points(ax, "plain CoOp")[1]) == {44}


def test_no_penalty_stands_apart_left_of_the_logarithms() -> None:
    text = """
name: made
tasks: {dataset: digits, shots: 1, replicates: 3}
method: {views: 1}
space: {omega: {choices: [0, 1, 10]}}
"""
    trials = [Trial({"omega": omega}, 60, 50) for omega in (0.0, 1.0, 10.0)]
    (ax,) = axes_of(material({"digits-1shot": trials}, text))
    assert points(ax, "no penalty")[0][0] < -0.1
    assert [text.get_text() for text in ax.get_xticklabels()][:2] == ["0", "1"]


def test_a_sweep_of_one_omega_has_no_such_picture() -> None:
    trials = [Trial({"omega": 5.0, "beta": 1.0}, 60, 50)] * 3
    assert list(PIECE.make(material({"digits-1shot": trials}))) == []


def test_the_rank_correlation_is_scipys() -> None:
    draw = np.random.default_rng(3)
    one, other = draw.integers(0, 6, 40), draw.normal(size=40).round(1)
    assert rank_correlation(one, other) == pytest.approx(scipy.stats.spearmanr(one, other).statistic)


def test_where_the_test_set_selects_ring_and_caption_say_so() -> None:
    trials = [Trial({"omega": 1.0, "beta": 1.0}, 60, 51), Trial({"omega": 9.0, "beta": 1.0}, 50, 53)]
    text = SWEEP.replace("search: {", "search: {objective: test/accuracy, ")
    (picture,) = PIECE.make(material({"digits-1shot": trials}, text))
    assert list(points(picture.figure.axes[0], "selected on test/accuracy")[1]) == [53]
    assert "the trial that test/accuracy selected" in picture.caption
