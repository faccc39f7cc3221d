"""Texts of pictures of two sweeps with long names: none is cut off."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from nemesis_sweep.report.page.figures import accuracy_over_shots, performance_profile
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Piece
from nemesis_sweep.report.page.style import styled
from tests.report.page.made_rows import made_rows
from tests.report.page.materials import material_of
from tests.report.page.overlaps import texts_beyond_the_edge


@pytest.fixture(scope="module")
def material() -> Material:
    rows = made_rows(6, ["zero_shot", "paper"])
    return material_of(low_norm_effect=rows, omega_by_shots=rows)


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with styled():
        yield


@pytest.mark.parametrize("module", [accuracy_over_shots, performance_profile])
def test_of_two_sweeps_with_long_names_no_text_is_cut_off(module, material) -> None:
    piece: Piece = module.PIECE
    pictures = list(piece.make(material))
    assert pictures
    # Numbers of ticks beyond an axis are never drawn.
    cut = [
        text
        for each in pictures
        for text in texts_beyond_the_edge(each.figure)
        if any(map(str.isalpha, text))
    ]
    assert cut == []


def test_a_legend_of_many_lines_leaves_the_axes_their_room() -> None:
    references = ["zero_shot", "zero_shot_ensemble", "linear_probe", "lp_plus_plus", "tip_adapter", "taskres"]
    rows = made_rows(3, [*references, "paper"])
    (picture,) = accuracy_over_shots.PIECE.make(material_of(low_norm_effect=rows, omega_by_shots=rows))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib's, where a layout leaves no room.
        picture.figure.draw_without_rendering()
    (axes,) = picture.figure.axes
    inches = axes.get_window_extent().height / picture.figure.dpi
    assert inches > 1
