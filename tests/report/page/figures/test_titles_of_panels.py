"""Titles of panels side by side: long ones are broken, so that they stay off one another."""

from __future__ import annotations

import pytest

from nemesis_sweep.report.page.figures import history, isolation, selected_positions
from nemesis_sweep.report.page.style import ROOMS, entitle, panels, styled
from tests.report.page.made import SWEEP, Trial, material
from tests.report.page.overlaps import overlapping_texts, texts_beyond_the_edge

LONG = "photographs_of_garden_birds 16-shot ViT-S-32-alt@random, trial 13 (winner)"
TWO_BACKBONES = SWEEP.replace("shots: [1, 4]", "backbone: [icon-clip, ViT-S-32-alt@random], shots: [1, 16]")
BACKBONES = ("icon-clip", "ViT-S-32-alt")


@pytest.mark.parametrize("across", ROOMS)
def test_long_titles_lie_neither_on_one_another_nor_beyond_the_edge(across) -> None:
    with styled():
        figure, axes = panels(across, across=across, height=2.0)
        for ax in axes:
            entitle(ax, LONG)
            ax.set_yticks([])
        assert overlapping_texts(figure) == []
        assert texts_beyond_the_edge(figure) == []


def test_titles_of_tasks_on_several_backbones_stay_off_one_another() -> None:
    share = [[0.5] * 4] * 3
    trials = [
        Trial({"omega": 1.0 + 9 * number, "beta": 0, "corruption": 0.5}, 50.0 + number, 50.0, share=share)
        for number in range(4)
    ]
    made = material(
        {f"digits-{shots}shot-{name}": trials for shots in (1, 16) for name in BACKBONES},
        TWO_BACKBONES,
        coop=48.0,
    )
    assert len(made.tasks) == 4
    with styled():
        for module in (history, selected_positions, isolation):
            (picture,) = module.PIECE.make(made)
            titles = {ax.get_title() for ax in picture.figure.axes}
            pairs = overlapping_texts(picture.figure)
            assert [pair for pair in pairs if titles & set(pair)] == [], picture.name
