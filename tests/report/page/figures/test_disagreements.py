"""Images that two trials disagree on: which are chosen, how they are told, and what if they are gone."""

import re
from dataclasses import replace

import pytest

from nemesis_sweep.report.page.figures.disagreements import EACH, PIECE, PIXELS, disagreements
from nemesis_sweep.report.page.formats.picture import write_picture
from nemesis_sweep.report.page.pieces import Note
from tests.report.page.two_trials import material_of, two_trials, write_images

LABELS = [0, 0, 1, 1, 2, 2, 3]


@pytest.fixture
def versus(tmp_path):
    """Images 0 and 1 are won by one and by both replicates, 2 by both; 4 is lost by one, 5 won and lost."""
    write_images(tmp_path, LABELS)
    best = [[0, 0, 1, 1, 3, 2, 0], [0, 0, 1, 1, 2, 1, 0]]
    coop = [[0, 1, 2, 1, 2, 1, 1], [1, 1, 3, 1, 2, 2, 1]]
    return two_trials(LABELS, best, coop, tmp_path)


def test_those_on_which_most_replicates_agree_come_first(versus):
    won = [(each.truth, each.wrong, each.times) for each in disagreements(versus, 1)]
    assert won == [("red", "green", 2), ("green", "blue", 2), ("red", "green", 1)]
    lost = [(each.truth, each.wrong, each.times) for each in disagreements(versus, -1)]
    assert lost == [("blue", "dark_grey", 1)]
    assert all(max(each.image.size) == PIXELS for each in disagreements(versus, 1))


def test_another_image_is_shown_for_one_that_is_gone(versus, tmp_path):
    (tmp_path / "1.png").unlink()
    assert [each.truth for each in disagreements(versus, 1)] == ["green", "red"]


def test_where_all_are_gone_a_line_says_so(versus, tmp_path):
    for path in tmp_path.glob("*.png"):
        path.unlink()
    (note,) = PIECE.make(material_of(versus))
    assert isinstance(note, Note) and "no longer where they were" in note.text


def test_a_page_holds_small_photographs_and_the_counts(versus, tmp_path):
    (made,) = PIECE.make(material_of(versus))
    plain = write_picture(replace(made, photos=False), tmp_path)
    svg = write_picture(made, tmp_path)
    assert len(re.findall("data:image/jpeg", svg)) == 4
    assert "data:image/png" not in svg
    assert len(svg) < 0.6 * len(plain)
    assert "Won: best found right, plain CoOp wrong. Images: 3, 3" in svg
    assert "Lost: plain CoOp right, best found wrong. Images: 1, 1" in svg
    assert "for each seed: 0.62, 0.62" in made.caption


def test_many_disagreements_are_of_many_classes(tmp_path):
    labels = sorted([0, 1, 2, 3] * 10)
    write_images(tmp_path, labels)
    versus = two_trials(labels, [labels], [[(label + 1) % 4 for label in labels]], tmp_path)
    assert [each.truth for each in disagreements(versus, 1)] == ["red", "green", "blue", "dark_grey"] * 2
    assert EACH == 8
