from __future__ import annotations

import pytest

from nemesis_sweep.report.page.figures.performance_profile import PIECE
from nemesis_sweep.report.page.style import styled
from tests.report.conftest import row
from tests.report.page.made_rows import REFERENCES, made_rows
from tests.report.page.materials import material_of
from tests.report.page.overlaps import overlapping_texts


@pytest.fixture(autouse=True)
def style():
    with styled():
        yield


def test_a_few_methods_share_a_panel_and_many_have_one_each() -> None:
    (few,) = PIECE.make(material_of(few=made_rows(6)))
    assert len(few.figure.axes) == 1
    assert "n: 6 tasks x 3 replicates" in few.caption
    (many,) = PIECE.make(material_of(many=made_rows(6, list(REFERENCES))))
    titles = [ax.get_title() for ax in many.figure.axes]
    assert {"Tip-Adapter-F", "paper's setting"} <= set(titles)
    assert "zero-shot" not in titles
    assert overlapping_texts(many.figure) == []


def test_a_method_that_loses_by_more_than_the_axis_shows_is_named() -> None:
    (made,) = PIECE.make(material_of(made=made_rows(4, ["zero_shot"])))
    assert "Further at the left than that, in all runs: zero-shot." in made.caption


def test_methods_with_the_same_gains_share_a_line() -> None:
    rows = []
    for shots in (1, 4):
        task = {"task": f"t{shots}", "study": f"t{shots}", "shots": shots}
        rows.append(row("coop", [60.0, 61.0], [60.0, 61.0], baseline="coop", **task))
        for beta in (0, 1):
            score = [62.0 - beta, 64.0 - beta]
            rows.append(row(str(beta), score, score, params={"omega": 1.0, "beta": beta}, **task))
    (made,) = PIECE.make(material_of(made=rows))
    labels = made.figure.axes[0].get_legend_handles_labels()[1]
    assert labels == ["best PUN", "best PAN = best found"]


def test_the_line_is_the_share_of_runs_above_x() -> None:
    rows = []
    for shots in (1, 4):
        task = {"task": f"t{shots}", "study": f"t{shots}", "shots": shots}
        rows.append(row("coop", [60.0, 60.0], [60.0, 60.0], baseline="coop", **task))
        rows.append(row("0", [61.0, 62.0], [60.0 - shots, 62.0], **task))
    (made,) = PIECE.make(material_of(made=rows))
    x, y = made.figure.axes[0].lines[0].get_data()
    shares = {at: y[x > at][0] for at in (-4.2, -3.9, -0.9, 1.9, 2.1)}
    assert shares == {-4.2: 1.0, -3.9: 0.75, -0.9: 0.5, 1.9: 0.5, 2.1: 0.0}


def test_of_one_task_there_is_none() -> None:
    assert list(PIECE.make(material_of(made=made_rows(1)))) == []
