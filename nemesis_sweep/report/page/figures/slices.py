"""Slices: every searched dimension against the objective."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from nemesis_sweep.report.page.looks import COLOURS, MARKS
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.scale import Scale
from nemesis_sweep.report.page.searches import Search, searches_of
from nemesis_sweep.report.page.style import (
    draw_lost,
    is_cloud,
    legend_below,
    name_heights,
    panels,
    scale_axis,
)
from nemesis_sweep.sweep.row import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = len(COLOURS)
"""Tasks that have a colour each; more are drawn alike."""


def _draw(material: Material) -> Iterator[Picture]:
    for number, sweep in enumerate(material.sweeps, 1):
        found = [search for search in searches_of(material, sweep) if search.ranked]
        scales = found[0].scales if found else {}
        if not scales:
            continue
        figure, axes = panels(len(scales), height=1.8, sharey=True)
        cloud = is_cloud(len(scales) * sum(len(search.rows) for search in found))
        for ax, scale in zip(axes, scales.values(), strict=True):
            _panel(ax, scale, found, cloud)
        name_heights(axes, _label(found))
        legend_below(figure, axes)
        told = f" of {sweep.name}" if material.several else ""
        name = f"slices-{number}" if material.several else "slices"
        yield Picture(name, f"Every searched dimension alone{told}", _caption(found), figure)


def _label(found: Sequence[Search]) -> str:
    metric = found[0].objective
    return metric if len(found) == 1 else f"{metric}\nbehind the best"


def _caption(found: Sequence[Search]) -> str:
    height = (
        found[0].objective
        if len(found) == 1
        else f"{found[0].objective} less that of its task's best trial (0: the best)"
    )
    alike = "" if len(found) <= MOST else f" The {len(found)} tasks are drawn alike."
    return (
        f"A point is a complete trial: {height}; stars are the best of each task; trials that were pruned "
        "or have failed stand on the lower edge, those of one choice beside one another, and a trial without "
        "the dimension in no panel. Read off "
        f"where in its range a dimension is good, and which values were hardly tried.{alike}"
    )


def _panel(ax: Axes, scale: Scale, found: Sequence[Search], cloud: bool) -> None:
    scale_axis(ax, scale)
    alone = len(found) == 1
    for number, search in enumerate(found):
        points = _points(search.ranked, scale)
        how = _look(number, len(found))
        ax.plot(
            [place for place, _ in points],
            [search.value(row) if alone else search.behind(row) for _, row in points],
            linestyle="none",
            markersize=2.0 if cloud else 3.5,
            markeredgewidth=0,
            alpha=0.35 if cloud else 0.75,
            rasterized=cloud,
            label=None if alone or len(found) > MOST else search.label,
            **how,
        )
    for number, search in enumerate(found):
        place = scale.place(search.ranked[0].params.get(scale.name))
        if place is not None:
            height = search.value(search.ranked[0]) if alone else 0.0
            colour = _look(number, len(found))["color"]
            ax.plot(
                [place + scale.aside(number)], [height], "*", color=colour, markersize=8, clip_on=False,
                markeredgecolor="#ffffff", markeredgewidth=0.4, zorder=4, label="best trial of a task",
            )  # fmt: skip
    lost: dict[str, list[float]] = {}
    for place, row in _points([row for search in found for row in search.lost], scale):
        lost.setdefault(row.state, []).append(place)
    draw_lost(ax, lost, cloud)
    ax.margins(y=0.1)


def _points(rows: Sequence[Row], scale: Scale) -> list[tuple[float, Row]]:
    """The trials that have the dimension, with their places; those of one choice beside one another."""
    placed = [(scale.place(row.params.get(scale.name)), row) for row in rows if scale.name in row.params]
    return [(place + scale.aside(int(row.number)), row) for place, row in placed if place is not None]


def _look(number: int, count: int) -> dict[str, Any]:
    if count > MOST:
        return {"color": COLOURS[0], "marker": MARKS[0]}
    return {"color": COLOURS[number], "marker": MARKS[number % len(MARKS)]}


PIECE = Piece(Section.SEARCH, 30, _draw)
