"""History: the objective of trial after trial, and the best so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.searches import Search, searches
from nemesis_sweep.report.page.sheets import sheets
from nemesis_sweep.report.page.style import draw_lost, entitle, is_cloud, legend_below, name_heights, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAPTION = (
    "A point is a complete trial in the order of their numbers: the objective, by which the sampler goes; "
    "the line is the best so far, pruned and failed trials stand on the lower edge. Read off whether the "
    "best still rises at the end (then more trials may pay) and whether later trials are better than the "
    "first (then the sampler learns)."
)


def _draw(material: Material) -> Iterator[Picture]:
    found = [search for search in searches(material) if search.ranked]
    for sheet, part in sheets(found):
        figure, axes = panels(len(part), height=1.8)
        cloud = is_cloud(sum(len(search.rows) for search in part))
        for ax, search in zip(axes, part, strict=True):
            _panel(ax, search, cloud)
        name_heights(axes, part[0].objective)
        legend_below(figure, axes)
        title = sheet.title("The best so far, trial by trial")
        yield Picture(sheet.name("history"), title, CAPTION, figure)


def _panel(ax: Axes, search: Search, cloud: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    kept = sorted(search.ranked, key=lambda row: int(row.number))
    numbers = [int(row.number) for row in kept]
    values = [search.value(row) for row in kept]
    ax.plot(
        numbers, values, "o", color="#56B4E9", markersize=1.8 if cloud else 3, markeredgewidth=0,
        alpha=0.5 if cloud else 0.9, rasterized=cloud, label="trial",
    )  # fmt: skip
    lost: dict[str, list[float]] = {}
    for row in search.lost:
        lost.setdefault(row.state, []).append(int(row.number))
    draw_lost(ax, lost, cloud)
    steps = best_so_far(numbers, values, search.sign)
    last = max(int(row.number) for row in search.rows)
    ends = [*steps, (last, steps[-1][1])]
    ax.step([x for x, _ in ends], [y for _, y in ends], where="post", color="#B24700", label="best so far")
    ax.margins(y=0.1)
    entitle(ax, search.label)
    ax.set_xlabel("trial")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def best_so_far(numbers: Sequence[int], values: Sequence[float], sign: int) -> list[tuple[int, float]]:
    """The trials that were better than all before them, with their values; sign: 1 where more is better."""
    best = sign * np.maximum.accumulate(sign * np.asarray(values, float))
    first = np.flatnonzero(np.r_[True, best[1:] != best[:-1]])
    return [(numbers[place], float(best[place])) for place in first.tolist()]


PIECE = Piece(Section.SEARCH, 50, _draw)
