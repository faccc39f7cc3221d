from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest
from matplotlib.figure import Figure

from nemesis_sweep.report.page.formats.picture import write_picture
from nemesis_sweep.report.page.formats.svg import compact
from nemesis_sweep.report.page.pieces import Picture
from nemesis_sweep.report.page.style import styled


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> str:
    figure = Figure()
    ax = figure.subplots()
    ax.plot([0, 1], [0, 2], "o-", label="a < b & c")
    ax.plot([0.2, 0.7], [0.1234567, 2], rasterized=True)
    ax.legend()
    file = tmp_path_factory.mktemp("svg") / "plain.svg"
    with styled():
        figure.savefig(file)
    return file.read_text()


def elements(svg: str) -> list[str]:
    return [each.tag.rpartition("}")[2] for each in ElementTree.fromstring(svg).iter()]


def test_everything_that_is_drawn_is_still_there(plain) -> None:
    made = compact(plain, "made")
    drawn = ("path", "use", "text", "image", "clipPath")
    before, after = elements(plain), elements(made)
    assert [each for each in after if each in drawn] == [each for each in before if each in drawn]


def test_every_reference_leads_somewhere(plain) -> None:
    made = compact(plain, "made")
    referred = set(re.findall(r"#([\w-]+)\"", made)) | set(re.findall(r"url\(#([\w-]+)\)", made))
    assert referred
    assert referred <= set(re.findall(r' id="([^"]*)"', made))


def test_every_style_is_as_it_was(plain) -> None:
    made = compact(plain, "made")
    rules = dict(re.findall(r"\.(made-\d+)\{([^}]*)\}", made))
    before = [re.sub(r"([:;]) ", r"\1", each) for each in re.findall(r' style="([^"]*)"', plain)]
    assert [rules[name] for name in re.findall(r' class="([^"]*)"', made)] == before


def test_it_is_much_smaller(plain) -> None:
    assert len(compact(plain, "made")) < 0.7 * len(plain)


def test_the_png_has_its_resolution_whatever_was_drawn_before(tmp_path) -> None:
    figure = Figure(figsize=(2, 1))
    figure.subplots()
    write_picture(Picture("made", "", "", figure), tmp_path)
    header = (tmp_path / "made.png").read_bytes()[16:24]
    assert (int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big")) == (300, 150)
