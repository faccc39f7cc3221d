"""A picture's files say what it is, without the page."""

from xml.etree import ElementTree

from matplotlib.figure import Figure
from PIL import Image

from nemesis_sweep.report.page.formats.picture import write_picture
from nemesis_sweep.report.page.pieces import Picture

CAPTION = "Losses < 1 & more."


def test_both_files_hold_title_and_caption(tmp_path) -> None:
    figure = Figure(layout="constrained")
    figure.subplots().plot([1, 2])
    write_picture(Picture("made", "A made picture", CAPTION, figure), tmp_path)
    with Image.open(tmp_path / "made.png") as png:
        assert (png.info["Title"], png.info["Description"]) == ("A made picture", CAPTION)
    root = ElementTree.parse(tmp_path / "made.svg").getroot()
    assert [each.text for each in root[:2]] == ["A made picture", CAPTION]
