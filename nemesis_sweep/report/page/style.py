"""How all figures look: sizes, panels, titles, axes and legends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nemesis_sweep.report.page.contenders import PLAIN
from nemesis_sweep.report.page.label_lines import title_lines
from nemesis_sweep.report.page.looks import looks
from nemesis_sweep.report.page.scale import Scale

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nemesis_sweep.report.page.material import TaskOfSweep

INK = "#1c1d1e"
"""Of text and axes; the page puts the colour of its own text in its place."""
PAPER = "#fefefe"
"""Behind text that lines cross; the page puts the colour of its own background in its place."""
GRID = "#9a9a9a"
DPI = 150
"""Of PNG files. Figures are laid out with it, too: text is measured anew for every other one."""
WIDTH = 6.5
"""Inches: the text width of a paper, and of the page."""
LEGEND = 0.6
"""Inches of a legend that figures have room for: three lines."""
ACROSS = 3
"""Panels in a row."""
ROOMS = {1: 80, 2: 40, 3: 26, 4: 19}
"""Letters of a panel's title, by the panels in a row."""
CLOUD = 300
"""Points of a figure from which they are drawn as pixels: as shapes they would make a large file."""

_SETTINGS = {
    "font.family": "sans-serif",
    # Verdana has the widths of DejaVu Sans, by which the figure was laid out.
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.0,
    "axes.linewidth": 0.7,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": GRID,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.5,
    # Titles stay where they are, which is quicker than to look; so nothing may stand above an axis.
    "axes.titley": 1.0,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-7, 7),
    "figure.dpi": DPI,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "svg.fonttype": "none",
    "text.parse_math": False,  # A $ in the name of a dataset or a class is a $.
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save figures within this."""
    import matplotlib

    with matplotlib.rc_context(_SETTINGS):  # type: ignore[arg-type]
        yield


def canvas(rows: int = 1, columns: int = 1, height: float = 2.3, **axes: Any) -> tuple[Figure, np.ndarray]:
    """A figure as wide as the text with ``rows x columns`` axes, each row so many inches high."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, rows * height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **axes)


def panels(count: int, height: float = 2.0, across: int = ACROSS, **axes: Any) -> tuple[Figure, list[Axes]]:
    """A figure with one panel for each of ``count`` things, at most ``across`` in a row."""
    columns = min(count, across)
    rows = -(-count // columns)
    figure, grid = canvas(rows, columns, height if columns > 1 else max(height, 2.3), **axes)
    found = list(grid.flat)
    for spare in found[count:]:
        spare.remove()
    return figure, found[:count]


def entitle(ax: Axes, title: str, **how: Any) -> None:
    """Give a panel its title, on as many lines as keep it off those beside it. how: as of ``set_title``."""
    place = ax.get_subplotspec()
    across = place.get_gridspec().ncols if place is not None else 1
    ax.set_title(title_lines(title, ROOMS[min(across, max(ROOMS))]), **how)


def name_heights(axes: Sequence[Axes], name: str, across: int = ACROSS) -> None:
    """Name the y-axis of the first panel of every row."""
    for ax in axes[::across]:
        ax.set_ylabel(name)


def draw_plain(ax: Axes, task: TaskOfSweep, label: str) -> None:
    """A line at the test accuracy of plain CoOp, where the task has it."""
    coop = task.contender(PLAIN)
    if coop is not None and coop.entry.test is not None:
        look = looks([PLAIN])[PLAIN]
        ax.axhline(coop.entry.test.mean, color=look["color"], linestyle=look["linestyle"], label=label)


def draw_lost(ax: Axes, places: Mapping[str, Sequence[float]], cloud: bool) -> None:
    """Trials without a value on the lower edge, where the worst would be. places: state -> their places."""
    for state, (label, mark, colour) in _LOST.items():
        if places.get(state):
            ax.plot(
                places[state], [0.0] * len(places[state]), mark, color=colour, markersize=4.5,
                markeredgewidth=0.8, transform=ax.get_xaxis_transform(), clip_on=False, label=label,
                rasterized=cloud, zorder=3, alpha=0.3 if cloud else 0.9,
            )  # fmt: skip


def is_cloud(points: int) -> bool:
    """Whether a figure has so many points that they are to be drawn as pixels (``rasterized``)."""
    return points > CLOUD


def scale_axis(ax: Axes, scale: Scale, label: bool = True) -> None:
    """Make the x-axis that of a searched dimension; where 0 stands apart, the axis is broken there."""
    low, high = scale.ends
    room = 0.04 * (high - low)
    ax.set_xlim(low - room, high + room)
    ticks = scale.ticks()
    crowded = sum(len(text) for _, text in ticks) > 22 and len(ticks) > 2
    turned: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    ax.set_xticks([place for place, _ in ticks], [text for _, text in ticks], **turned)
    if scale.zero:
        ax.plot(
            [low / 2, low / 2], [0, 1], transform=ax.get_xaxis_transform(), color=GRID, linewidth=0.8,
            linestyle=(0, (1, 2)),
        )  # fmt: skip
    if label:
        ax.set_xlabel(scale.name)


def legend_below(figure: Figure, axes: Iterable[Axes], columns: int = 4) -> None:
    """One legend for all axes, below them: of that many columns, or of as many as the figure has room for.

    For one of many lines the figure grows, so that the axes keep their room.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    handles: dict[str, Any] = {}
    for each in axes:
        for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if not handles:
        return
    pen = FigureCanvasAgg(figure).get_renderer()
    for across in range(min(columns, len(handles)), 0, -1):
        legend = figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=across)
        extent = legend.get_window_extent(pen)
        if across == 1 or extent.width <= figure.bbox.width:
            more = extent.height / figure.dpi - LEGEND
            figure.set_figheight(figure.get_figheight() + max(0.0, more))
            return
        legend.remove()


_LOST = {"PRUNED": ("pruned", "|", "#E69F00"), "FAIL": ("failed", "x", "#7F7F7F")}
"""Name, mark and colour of trials that are over and have no value, by their state."""
