from __future__ import annotations

from nemesis_sweep.report.page.figures.parallel_coordinates import MISSING, PIECE
from tests.report.page.made import Trial, material


def test_a_trial_is_a_line_through_its_values_and_passes_below_what_it_has_not() -> None:
    trials = [
        Trial({"omega": 10.0, "beta": 0.0, "corruption": 0.45}, 60),
        Trial({"omega": 100.0, "beta": 1.0}, 70),
    ]
    (picture,) = PIECE.make(material({"digits-1shot": trials}))
    (ax,) = picture.figure.axes
    rest, good, best = (each.get_segments() for each in ax.collections)
    assert good == []
    assert [(x, round(y * 2) / 2) for x, y in rest[0]] == [
        (0, 0.5),
        (1, 0.5 if rest[0][1][1] > 0.25 else 0),
        (2, 0.5),
    ]
    assert best[0][0].tolist() == [0, 1]
    assert best[0][2].tolist() == [2, MISSING]


def test_one_dimension_needs_no_such_picture() -> None:
    text = """
name: made
tasks: {dataset: digits, shots: 1, replicates: 3}
method: {views: 1}
space: {omega: {choices: [0, 1, 10]}}
"""
    assert list(PIECE.make(material({"digits-1shot": [Trial({"omega": 1.0}, 60)]}, text))) == []


def test_of_very_many_trials_an_even_share_is_drawn_and_the_caption_says_so() -> None:
    trials = [Trial({"omega": 10.0, "beta": 1.0}, 60 + n / 1000) for n in range(1500)]
    (picture,) = PIECE.make(material({"digits-1shot": trials}))
    rest, good, best = picture.figure.axes[0].collections
    # Of 1,350 every fifth; of the best tenth, less the best one, all.
    assert [len(each.get_segments()) for each in (rest, good, best)] == [270, 149, 1]
    assert "at most 300 lines are drawn" in picture.caption
