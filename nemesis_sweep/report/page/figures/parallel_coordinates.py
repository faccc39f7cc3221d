"""Parallel coordinates: every trial as a line through all searched dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.scale import Scale
from nemesis_sweep.report.page.searches import Search, searches_of
from nemesis_sweep.report.page.style import GRID, PAPER, canvas
from nemesis_sweep.sweep.row import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Line = list[tuple[float, float]]
"""The places of a trial on all axes."""
BEST = 0.1
"""Share of a task's trials that is told from the rest."""
MANY = 100
"""Lines from which they are drawn faintly."""
DRAWN = 300
"""Lines of the best tenth, and of the rest, that are drawn at most: more would be a carpet."""
MISSING = -0.16
"""Where a trial passes a dimension that it does not have."""
TURNED = 6
"""Dimensions from which their names are turned."""
CAPTION = (
    "A line is a complete trial through the values that it drew; the orange ones are the best tenth of "
    "their task by {}, the darkest the best of each. Read off where the orange lines bundle: there the "
    "dimension matters. A line passes below a dimension that its trial does not have."
)


def _draw(material: Material) -> Iterator[Picture]:
    for number, sweep in enumerate(material.sweeps, 1):
        found = [search for search in searches_of(material, sweep) if search.ranked]
        scales = found[0].scales if found else {}
        if len(scales) < 2:
            continue
        told = f" of {sweep.name}" if material.several else ""
        name = f"parallel-coordinates-{number}" if material.several else "parallel-coordinates"
        caption = CAPTION.format(found[0].objective)
        if sum(len(search.ranked) for search in found) > DRAWN:
            caption += f" Of the best tenth, and of the rest, at most {DRAWN} lines are drawn, evenly chosen."
        picture = _picture(found, scales)
        yield Picture(name, f"All searched dimensions at once{told}", caption, picture)


def _picture(found: Sequence[Search], scales: Mapping[str, Scale]) -> Figure:
    from matplotlib.collections import LineCollection

    figure, grid = canvas(height=3.0)
    ax = grid[0, 0]
    good, rest, first = [], [], []
    for search in found:
        most = max(1, round(BEST * len(search.ranked)))
        first.append(_line(search.ranked[0], scales))
        good += [_line(row, scales) for row in search.ranked[1:most]]
        rest += [_line(row, scales) for row in search.ranked[most:]]
    good, rest = _some(good), _some(rest)
    for lines, colour, width, alpha, order in (
        (rest, GRID, 0.5, 0.25 if len(rest) > MANY else 0.45, 1),
        (good, "#E69F00", 0.8, 0.25 if len(good) > MANY else 0.8, 2),
        (first, "#B24700", 1.4, 0.9, 3),
    ):
        how = {"colors": colour, "linewidths": width, "alpha": alpha, "zorder": order}
        ax.add_collection(LineCollection(lines, **how), autolim=False)  # type: ignore[arg-type]
    _name_axes(ax, scales)
    return figure


def _some(lines: list[Line]) -> list[Line]:
    """The lines, of many ones every so many."""
    return lines[:: -(-len(lines) // DRAWN)] if len(lines) > DRAWN else lines


def _name_axes(ax: Axes, scales: Mapping[str, Scale]) -> None:
    """An axis of its own for every dimension, with its ticks."""
    ax.set_xlim(-0.15, len(scales) - 0.5)
    ax.set_ylim(MISSING - 0.03, 1.04)
    ax.grid(False)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_yticks([])
    turned: dict[str, Any] = {"rotation": 25, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(len(scales)), list(scales), **(turned if len(scales) > TURNED else {}))
    ax.tick_params(axis="x", length=0, pad=4)
    for place, scale in enumerate(scales.values()):
        ax.plot([place, place], [min(0.0, scale.ends[0]), 1], color="#7F7F7F", linewidth=0.9, zorder=4)
        for height, text in scale.ticks():
            ax.annotate(
                text, (place, height), (3, 0), textcoords="offset points", va="center", fontsize=6, zorder=5,
                bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.75},
            )  # fmt: skip


def _line(row: Row, scales: Mapping[str, Scale]) -> Line:
    heights = [
        scale.place(row.params[name]) if name in row.params else None for name, scale in scales.items()
    ]
    # Equal choices of many trials would be one line: a little beside one another.
    aside = [scale.aside(int(row.number), 0.3) for scale in scales.values()]
    return [
        (float(place), MISSING if height is None else height + beside)
        for place, (height, beside) in enumerate(zip(heights, aside, strict=True))
    ]


PIECE = Piece(Section.SEARCH, 40, _draw)
