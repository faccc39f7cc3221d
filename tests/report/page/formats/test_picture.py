"""A picture's files say what it is, without the page."""

from xml.etree import ElementTree

from matplotlib.figure import Figure
from PIL import Image

from nemesis_sweep.report.page.formats.picture import write_picture
from nemesis_sweep.report.page.pieces import Picture
from nemesis_sweep.report.page.style import INK, PAPER

CAPTION = "Losses < 1 & more."


def test_both_files_hold_title_and_caption(tmp_path) -> None:
    figure = Figure(layout="constrained")
    figure.subplots().plot([1, 2])
    write_picture(Picture("made", "A made picture", CAPTION, figure), tmp_path)
    with Image.open(tmp_path / "made.png") as png:
        assert (png.info["Title"], png.info["Description"]) == ("A made picture", CAPTION)
    root = ElementTree.parse(tmp_path / "made.svg").getroot()
    assert [each.text for each in root[:2]] == ["A made picture", CAPTION]


def test_within_a_page_text_and_what_is_behind_it_have_the_pages_colours(tmp_path) -> None:
    figure = Figure(layout="constrained")
    ax = figure.subplots()
    ax.annotate("here", (0.5, 0.5), color=INK, bbox={"facecolor": PAPER})
    within = write_picture(Picture("made", "A made picture", CAPTION, figure), tmp_path)
    alone = (tmp_path / "made.svg").read_text()
    for own, of_page in ((INK, "currentColor"), (PAPER, "var(--paper)")):
        assert own in alone
        assert of_page not in alone
        assert of_page in within
        assert own not in within
