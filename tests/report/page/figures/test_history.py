from __future__ import annotations

from nemesis_sweep.report.page.figures.history import PIECE, best_so_far
from tests.report.page.made import Trial, material


def test_the_best_so_far_changes_where_a_trial_beats_all_before_it() -> None:
    assert best_so_far([0, 1, 3, 4, 7], [5, 4, 6, 6, 9], 1) == [(0, 5), (3, 6), (7, 9)]


def test_of_a_loss_the_least_is_the_best() -> None:
    assert best_so_far([0, 1, 2], [5, 6, 4], -1) == [(0, 5), (2, 4)]


def test_the_line_goes_on_to_the_last_trial_whatever_became_of_it() -> None:
    trials = [Trial({"omega": 2.0, "beta": 1.0}, val) for val in (60, 65, 61)]
    trials.append(Trial({"omega": 2.0, "beta": 1.0}, state="PRUNED"))
    (picture,) = PIECE.make(material({"digits-1shot": trials}))
    lines = {line.get_label(): line for line in picture.figure.axes[0].lines}
    assert list(lines["trial"].get_ydata()) == [60, 65, 61]
    assert list(lines["best so far"].get_xdata()) == [0, 1, 3]
    assert list(lines["best so far"].get_ydata()) == [60, 65, 65]
    assert list(lines["pruned"].get_xdata()) == [3]
