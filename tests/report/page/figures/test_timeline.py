from __future__ import annotations

import pytest

from nemesis_sweep.report.page.figures.timeline import APART, PIECE, Span, lanes, spans
from tests.report.page.made import Trial, material

PUN = {"omega": 10.0, "beta": 1.0}


def span(begin, end, worker=""):
    return Span(begin, end, "COMPLETE", worker)


def test_a_worker_has_a_line_of_its_own_and_the_others_share_as_few_as_hold_them() -> None:
    found = [span(0, 5, "a:1"), span(0, 4), span(1, 3), span(4, 6), span(5, 9, "a:1"), span(5, 7)]
    assert [(name, [each.begin for each in lane]) for name, lane in lanes(found)] == [
        ("a:1", [0, 5]),
        ("", [0, 4]),
        ("", [1, 5]),
    ]


@pytest.fixture(scope="module")
def made():
    trials = [
        Trial(PUN, 60, seconds=100, worker="vm:7"),
        Trial(PUN, seconds=30, began=100, state="PRUNED"),
        Trial(PUN, began=120, state="RUNNING"),
    ]
    return material({"digits-1shot": trials})


def test_times_count_from_the_first_trial_and_what_runs_goes_on_to_the_last_end(made) -> None:
    found = spans(made.sweeps[0])
    assert [(each.begin, each.end, each.state, each.worker) for each in found] == [
        (0, 100, "COMPLETE", "vm:7"),
        (100, 130, "PRUNED", ""),
        (120, 130, "RUNNING", ""),
    ]


def test_the_picture_has_a_bar_for_every_trial_in_the_colour_of_its_end(made) -> None:
    (picture,) = PIECE.make(made)
    (ax,) = picture.figure.axes
    told = {bars.get_label(): bars.get_paths()[0].get_extents() for bars in ax.collections}
    assert (told["complete"].x0, told["complete"].x1) == pytest.approx((0, 100 / 60))
    assert (told["pruned"].x0, told["pruned"].x1) == pytest.approx((100 / 60, 130 / 60))
    assert set(told) == {"complete", "pruned", "running"}
    assert "On average 1.1 trials ran at once." in picture.caption


@pytest.mark.parametrize(("count", "apart"), [(APART, True), (APART + 1, False)])
def test_trials_of_a_lane_stand_apart_unless_gaps_would_hide_them(count, apart) -> None:
    trials = [Trial(PUN, 60, seconds=10, began=10 * n, worker="vm:7") for n in range(count)]
    (picture,) = PIECE.make(material({"digits-1shot": trials}))
    (bars,) = picture.figure.axes[0].collections
    assert bool(bars.get_linewidth()[0]) is apart
