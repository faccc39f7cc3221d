from __future__ import annotations

import pytest

from nemesis_sweep.report.page.figures.selected_positions import PIECE
from tests.report.page.made import Trial, material

PAN = {"omega": 10.0, "beta": 0.0, "corruption": 0.5}
PUN = {"omega": 10.0, "beta": 1.0}
SHARE = [[0.10, 0.20, 0.0, 0.05], [0.20, 0.20, 0.0, 0.05], [0.30, 0.20, 0.0, 0.05]]


def shown(trials):
    (picture,) = PIECE.make(material({"digits-1shot": trials}))
    (ax,) = picture.figure.axes
    return ax


def test_a_bar_is_the_mean_over_replicates_in_percent() -> None:
    ax = shown([Trial(PAN, 70, share=SHARE)])
    assert [bar.get_height() for bar in ax.patches] == pytest.approx([20, 20, 0, 5])
    segments = ax.collections[0].get_segments()
    assert segments[0][:, 1] == pytest.approx([10, 30])
    assert segments[2][:, 1] == pytest.approx([0, 0])


def test_the_dotted_line_is_how_often_a_vector_is_drawn() -> None:
    ax = shown([Trial(PAN, 70, share=SHARE)])
    (line,) = [line for line in ax.lines if line.get_label() == "drawn"]
    assert set(line.get_ydata()) == {25}


def test_where_pun_wins_the_best_trial_with_pan_is_shown() -> None:
    trials = [Trial(PUN, 80), Trial(PAN, 60, share=SHARE), Trial(PAN, 70, share=SHARE)]
    assert shown(trials).get_title() == "digits 1-shot\ntrial 2"


def test_the_winner_is_named_as_such() -> None:
    trials = [Trial(PUN, 60), Trial(PAN, 70, share=SHARE)]
    assert shown(trials).get_title() == "digits 1-shot\ntrial 1 (winner)"


def test_without_pan_there_is_no_such_picture() -> None:
    assert list(PIECE.make(material({"digits-1shot": [Trial(PUN, 60)]}))) == []
