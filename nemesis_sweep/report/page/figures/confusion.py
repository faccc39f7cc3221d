"""Confusion matrices of the best found, and how they differ from plain CoOp's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nemesis_sweep.report.page.looks import COLOURS
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.mistakes import Versus
from nemesis_sweep.report.page.pieces import Made, Picture, Piece, Section
from nemesis_sweep.report.page.style import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

LARGEST = 30
"""Classes of which all are drawn; of more the ``MOST`` that are confused most."""
MOST = 24
NUMBERED = 12
"""Classes up to which the numbers stand in the squares."""
BLUE, ORANGE = COLOURS[:2]
CAPTION = (
    "Left: of the test images of a class (row), the percent that the best found takes for another (column), "
    "over all replicates; on the diagonal it is right. Right: the same less plain CoOp's, in percentage "
    "points. Read off which classes are taken for which; where the best found is better, the right one is "
    "blue on the diagonal and orange beside it."
)


def _draw(material: Material) -> Iterator[Made]:
    for versus in material.mistakes.drawn:
        yield _picture(versus)


def _picture(versus: Versus) -> Picture:
    best, coop = (confusion(versus, each.classes) for each in (versus.best, versus.coop))
    classes = most_confused(best, LARGEST, MOST)
    caption = CAPTION
    if len(classes) < len(best):
        kept = _mistakes(best[np.ix_(classes, classes)]) / max(_mistakes(best), 1)
        caption += (
            f" Shown are the {len(classes)} of {len(best)} classes that are confused most: "
            f"{100 * kept:.0f} % of all mistakes are among them."
        )
    size = 100 / np.maximum(versus.counts * len(versus.best.classes), 1)[:, None]
    place = np.ix_(classes, classes)
    percent, difference = (best * size)[place], ((best - coop) * size)[place]
    names = [shortened(versus.classnames[label]) for label in classes]
    figure, axes = _axes(len(names), max(map(len, names)))
    _matrix(axes[0], percent, "best found (%)", (0, 100), _to(BLUE))
    most = max(float(np.abs(difference).max()), 1.0)
    _matrix(axes[1], difference, "best found - plain CoOp (points)", (-most, most), _between(ORANGE, BLUE))
    _write_names(axes, names)
    return Picture(f"confusion-{versus.name}", f"Confusion, {versus.label}", caption, figure)


def confusion(versus: Versus, classes: np.ndarray) -> np.ndarray:
    """How many images of a class (row) were taken for another (column), in all replicates, ``(C, C)``."""
    count = len(versus.classnames)
    pairs = versus.labels.astype(np.int64) * count + classes
    return np.bincount(pairs.ravel(), minlength=count * count).reshape(count, count)


def most_confused(counts: np.ndarray, largest: int, most: int) -> list[int]:
    """All classes, or, of more than ``largest``, those of the most frequent mistakes, side by side."""
    if len(counts) <= largest:
        return list(range(len(counts)))
    apart = counts + counts.T
    pairs = np.argwhere(np.triu(apart, 1))
    order = np.argsort(-apart[tuple(pairs.T)], kind="stable")
    found: dict[int, None] = {}
    for one, other in pairs[order]:
        new = [int(each) for each in (one, other) if int(each) not in found]
        if len(found) + len(new) <= most:
            found |= dict.fromkeys(new)
    return list(found)


def shortened(name: str, most: int = 20) -> str:
    """A class name that has room beside a picture."""
    name = name.replace("_", " ")
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"


def _mistakes(counts: np.ndarray) -> float:
    return float(counts.sum() - np.trace(counts))


def _axes(classes: int, longest: int) -> tuple[Figure, Sequence[Axes]]:
    """Two squares beside each other with room for names of so many characters at the left and below.

    They are placed by hand: to lay so many names out takes longer than to draw them.
    """
    from matplotlib.figure import Figure

    room = 0.35 + longest * _size(classes) * 0.6 / 72
    side = (WIDTH - room - 1.3) / 2
    height = side + room + 0.45
    figure = Figure(figsize=(WIDTH, height))
    lefts = (room, room + side + 0.75)
    box = (room + 0.15) / height, side / height
    return figure, [figure.add_axes((left / WIDTH, box[0], side / WIDTH, box[1])) for left in lefts]


def _size(classes: int) -> float:
    return max(5.0, min(7.0, 140 / classes))


def _matrix(ax: Axes, values: np.ndarray, title: str, limits: tuple[float, float], colours: Colormap) -> None:
    low, high = limits
    image = ax.imshow(values, cmap=colours, vmin=low, vmax=high, interpolation="none", aspect="auto")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(title)
    if len(values) <= NUMBERED:
        _numbers(ax, values, high)
    bar = ax.figure.colorbar(image, cax=ax.inset_axes((1.03, 0.0, 0.04, 1.0)))
    bar.ax.locator_params(nbins=5)
    bar.outline.set_linewidth(0.5)
    bar.ax.tick_params(labelsize=6, length=1.5, pad=1.5)


def _write_names(axes: Sequence[Axes], names: Sequence[str]) -> None:
    """True classes at the left of both, what they are taken for below each."""
    size, last = _size(len(names)), len(names) - 1
    for place, name in enumerate(names):
        axes[0].text(-0.7, place, name, ha="right", va="center", fontsize=size)
        for ax in axes:
            ax.text(place, last + 0.7, name, ha="center", va="top", rotation=90, fontsize=size)
    for ax in axes:
        box = ax.get_position()
        ax.figure.text((box.x0 + box.x1) / 2, 0.012, "taken for", ha="center", fontsize=8)
    left = axes[0].get_position()
    axes[0].figure.text(0.008, (left.y0 + left.y1) / 2, "true class", va="center", rotation=90, fontsize=8)


def _numbers(ax: Axes, values: np.ndarray, most: float) -> None:
    for (row, column), value in np.ndenumerate(values):
        if round(abs(value)):
            strong: dict[str, Any] = {"color": "white"} if abs(value) > 0.6 * most else {}
            ax.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=5.5, **strong)


def _to(colour: str) -> Colormap:
    """From nothing, which shows the page, to a colour."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    steps = np.linspace(0, 1, 5)
    return LinearSegmentedColormap.from_list("to", [to_rgba(colour, alpha**0.6) for alpha in steps], 255)


def _between(low: str, high: str) -> Colormap:
    """From a colour over nothing to another one."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    # Nothing stands there twice, once in either colour, which would mix otherwise.
    steps = [(value, low) for value in np.linspace(-1, 0, 5)] + [(v, high) for v in np.linspace(0, 1, 5)]
    shades = [((1 + value) / 2, to_rgba(colour, abs(value) ** 0.6)) for value, colour in steps]
    return LinearSegmentedColormap.from_list("between", shades, 255)


PIECE = Piece(Section.MISTAKES, 30, _draw)
