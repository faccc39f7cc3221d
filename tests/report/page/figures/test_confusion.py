"""Confusion: counted as by hand, and of many classes those that are confused."""

import numpy as np

from nemesis_sweep.report.page.figures.confusion import LARGEST, MOST, PIECE, confusion, most_confused
from tests.report.page.two_trials import material_of, two_trials

RNG = np.random.default_rng(0)


def test_every_replicate_counts():
    labels = RNG.integers(4, size=50)
    best, coop = RNG.integers(4, size=(2, 3, 50))
    versus = two_trials(labels, best, coop)
    plain = np.zeros((4, 4), dtype=int)
    for replicate in best:
        for true, taken in zip(labels, replicate, strict=True):
            plain[true, taken] += 1
    assert np.array_equal(confusion(versus, versus.best.classes), plain)


def test_of_many_classes_those_of_the_most_frequent_mistakes_stand_side_by_side():
    counts = np.diag(np.full(100, 30))
    counts[3, 90] = 20
    counts[55, 7] = 12
    counts[7, 55] = 11
    classes = most_confused(counts, LARGEST, MOST)
    assert classes[:4] == [7, 55, 3, 90]
    assert most_confused(counts[:30, :30], LARGEST, MOST) == list(range(30))


def test_a_picture_of_many_classes_says_which_are_shown():
    labels = np.repeat(np.arange(100), 3)
    best = [np.where(RNG.random(300) < 0.5, labels, (labels + 1) % 100)]
    versus = two_trials(labels, best, best, names=[f"class {label}" for label in range(100)])
    (picture,) = PIECE.make(material_of(versus))
    inside = set(most_confused(confusion(versus, versus.best.classes), LARGEST, MOST))
    wrong = best[0] != labels
    pairs = zip(labels[wrong], best[0][wrong], strict=True)
    among = sum(true in inside and taken in inside for true, taken in pairs)
    assert len(inside) == MOST
    assert f"{MOST} of 100 classes" in picture.caption
    assert f"{100 * among / wrong.sum():.0f} % of all mistakes" in picture.caption
    assert [len(ax.images[0].get_array()) for ax in picture.figure.axes[:2]] == [MOST, MOST]
