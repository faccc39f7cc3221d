"""What a report's files say when they are read without its page, and names that mean something elsewhere."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from nemesis_sweep.report.page.build import fill
from nemesis_sweep.report.page.formats.picture import write_picture
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Picture
from nemesis_sweep.report.page.style import canvas, styled
from tests.report.page.materials import material_of


def test_every_caption_of_a_simulation_says_so(rows, tmp_path) -> None:
    made = material_of(made=[row for row in rows if row.state == "COMPLETE"])
    simulated = [replace(each, status=replace(each.status, simulated="s")) for each in made.sweeps]
    fill(tmp_path, Material(simulated))
    texts = [file.read_text() for file in (tmp_path / "tables").glob("*.tex")]
    assert texts
    assert all("imulated" in text for text in texts)
    for file in (tmp_path / "tables").glob("*.csv"):
        header, *lines = file.read_text().splitlines()
        assert header.endswith(',"simulated"')
        assert all(line.endswith(',"made"') for line in lines)
    for file in (tmp_path / "tables").glob("*.parquet"):
        assert set(pq.read_table(file)["simulated"].to_pylist()) == {"made"}


@pytest.mark.parametrize("name", ["$\\frac$", "a $x^2$ b", "naïve 漢字"])
def test_a_name_is_drawn_as_it_is_and_warns_of_nothing(name, tmp_path) -> None:
    with styled(), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure, axes = canvas()
        axes[0, 0].set_title(name)
        svg = write_picture(Picture("made", "", "", figure), tmp_path)
    assert name in svg
