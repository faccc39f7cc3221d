from __future__ import annotations

from nemesis_sweep.report.page.figures.isolation import PIECE, buckets
from nemesis_sweep.report.page.scale import Scale, scales_of
from tests.report.page.made import Trial, material

CHOICES = """
name: made
tasks: {dataset: digits, shots: 1, replicates: 3}
method: {views: 1}
space: {omega: {choices: [0, 1, 10]}}
"""


def of_omega(omegas, vals):
    return material(
        {
            "digits-1shot": [
                Trial({"omega": o, "beta": 1.0}, v, v - 5) for o, v in zip(omegas, vals, strict=True)
            ]
        }
    )


def found_in(made):
    (task, *_) = made.tasks
    scale = scales_of(task.sweep.sweep.space)["omega"]
    return buckets(task.searched, task.sweep.objectives, scale)


def test_every_trial_is_in_one_of_six_equal_parts_of_the_logarithm() -> None:
    omegas = [1.0, 1.5, 2.2, 9.9, 10.1, 50.0, 100.0]
    found = found_in(of_omega(omegas, range(60, 67)))
    assert [each.count for each in found] == [2, 1, 1, 1, 0, 2]
    assert found[0].low == 1
    assert round(found[-1].high, 9) == 100


def test_the_best_of_a_bucket_is_the_one_that_validation_picks() -> None:
    found = found_in(of_omega([1.0, 1.2, 1.3, 90.0], [60, 64, 62, 70]))
    assert [each.best and each.best.number for each in found] == ["1", None, None, None, None, "3"]


def test_each_choice_is_a_bucket_of_its_own() -> None:
    trials = [Trial({"omega": omega}, val, val) for omega, val in ((0.0, 60), (0.0, 61), (10.0, 59))]
    (task,) = material({"digits-1shot": trials}, CHOICES).tasks
    found = buckets(task.searched, task.sweep.objectives, Scale("omega", choices=(0.0, 1.0, 10.0)))
    assert [(each.low, each.count) for each in found] == [(0.0, 2), (10.0, 1)]


def test_the_picture_shows_validation_and_test_of_the_picked_and_how_many_there_were() -> None:
    (picture,) = PIECE.make(of_omega([1.0, 1.2, 90.0], [60, 64, 70]))
    (ax,) = picture.figure.axes
    heights = {bars.get_label(): list(bars.lines[0].get_ydata()) for bars in ax.containers}
    assert heights == {"validation (picks)": [64, 70], "test": [59, 65]}
    assert [text.get_text() for text in ax.texts] == ["2", "0", "0", "0", "0", "1"]


def test_where_the_test_set_picks_it_is_told() -> None:
    text = CHOICES + "search: {objective: test/accuracy, pruner: none}\n"
    trials = [Trial({"omega": omega}, 60, 55) for omega in (0.0, 10.0)]
    (picture,) = PIECE.make(material({"digits-1shot": trials}, text))
    assert [bars.get_label() for bars in picture.figure.axes[0].containers] == ["test (picks)"]
