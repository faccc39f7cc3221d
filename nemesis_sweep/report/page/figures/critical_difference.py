"""The critical-difference picture: methods on the axis of their average ranks, bars over those alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.page.comparison import method_scores, ranked_means, unranked_text
from nemesis_sweep.report.page.label_lines import label_lines
from nemesis_sweep.report.page.looks import looks
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.style import GRID, INK, WIDTH
from nemesis_sweep.report.statistics.cliques import cliques
from nemesis_sweep.report.statistics.critical_difference import critical_difference
from nemesis_sweep.report.statistics.friedman import Ranks, ranks
from nemesis_sweep.report.statistics.pairwise import all_pairs
from nemesis_sweep.report.statistics.signed_rank import FEWEST_TASKS, TOO_FEW

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE = 0.2
"""Inches from one label to the next."""
BAR = 0.11
"""Inches from one bar to the next."""


def _draw(material: Material) -> Iterator[Picture]:
    methods = method_scores(material)
    means = ranked_means(material, methods)
    ranked = ranks(means)
    if len(ranked.average) < 3 or ranked.n < 2:
        return
    pairs = all_pairs(means)
    alike = cliques(ranked.average, pairs)
    tested = ranked.n >= FEWEST_TASKS
    difference = critical_difference(len(ranked.average), ranked.n) if tested else None
    figure = _figure(ranked.average, alike, difference, looks(each.method for each in methods))
    told = [*_caption(ranked, alike, difference, len(pairs)), unranked_text(methods, means)]
    caption = ". ".join(filter(None, told)) + "."
    yield Picture("critical-difference", "Average ranks", caption, figure)


def _figure(
    average: Mapping[str, float],
    alike: Sequence[Sequence[str]],
    difference: float | None,
    look: Mapping[str, Mapping[str, Any]],
) -> Figure:
    from matplotlib.figure import Figure

    spans = [_span(average, group) for group in alike]
    levels = _levels(spans)
    bars = BAR * (max(levels, default=-1) + 1)
    above = 0.25 if difference is None else 0.45
    line = LINE * (1.6 if any("\n" in label_lines(method) for method in average) else 1)
    below = bars + line * (-(-len(average) // 2) + 0.3)
    figure = Figure(figsize=(WIDTH, above + below + 0.1), layout="constrained")
    ax = figure.subplots()
    ax.set_axis_off()
    ax.set_xlim(1, len(average))
    # About an inch a unit.
    ax.set_ylim(-below, above)
    _axis(ax, len(average), difference)
    for level, group, span in zip(levels, alike, spans, strict=True):
        height = -BAR * (level + 0.8)
        ax.plot(span, [height] * 2, color=INK, linewidth=2.4, solid_capstyle="butt", clip_on=False)
        at = [average[method] for method in group]
        ax.plot(at, [height] * len(at), "o", color=INK, markersize=4, clip_on=False)
    _labels(ax, average, (-bars, line), look)
    return figure


def _axis(ax: Axes, count: int, difference: float | None) -> None:
    """The axis of ranks, and above it how long the critical difference is."""
    ticks = list(range(1, count + 1, 1 if count <= 16 else 2))
    ax.plot([1, count], [0, 0], color=INK, linewidth=0.8, clip_on=False)
    ax.plot(ticks, [0] * len(ticks), "|", color=INK, markersize=5, clip_on=False)
    for tick in ticks:
        ax.text(tick, 0.1, str(tick), ha="center", va="bottom", fontsize=7)
    if difference is not None and difference <= count - 1:
        end = 1 + difference
        ax.plot([1, end], [0.38, 0.38], "|-", color=INK, linewidth=0.8, markersize=5, clip_on=False)
        text = f"CD {difference:.2f}"
        ax.annotate(text, (end, 0.38), (6, 0), textcoords="offset points", va="center", fontsize=7)


def _span(average: Mapping[str, float], group: Sequence[str]) -> tuple[float, float]:
    """From where to where a bar goes: a little beyond its members, so that one over equal ranks is seen."""
    at, beyond = [average[method] for method in group], 0.012 * len(average)
    return min(at) - beyond, max(at) + beyond


def _levels(spans: Sequence[tuple[float, float]]) -> list[int]:
    """For each bar the first level at which it touches no other."""
    ends: list[float] = []
    levels = []
    for low, high in spans:
        level = next((level for level, end in enumerate(ends) if end < low), len(ends))
        ends[level:] = [high, *ends[level + 1 :]]
        levels.append(level)
    return levels


def _labels(
    ax: Axes, average: Mapping[str, float], place: tuple[float, float], look: Mapping[str, Mapping[str, Any]]
) -> None:
    """The better half at the left, the others at the right, each a line of its own; outermost on top, so that
    no line crosses another. place: where they begin, and how far apart they are."""
    top, apart = place
    order = sorted(average, key=lambda method: (average[method], method))
    half = -(-len(order) // 2)
    sides = ((order[:half], 1.0, "right", -1), (order[half:][::-1], float(len(order)), "left", 1))
    for methods, edge, align, outward in sides:
        for row, method in enumerate(methods):
            at, height = average[method], top - apart * (row + 0.8)
            how = look[method]
            ax.plot([at, at, edge], [0, height, height], color=GRID, linewidth=0.7, zorder=1, clip_on=False)
            ax.plot(at, 0, how["marker"], color=how["color"], clip_on=False, zorder=4)
            for text, away in ((f"{at:.2f}", 4), (label_lines(method), 30)):
                ax.annotate(
                    text,
                    (edge, height),
                    (outward * away, 0),
                    textcoords="offset points",
                    ha=align,
                    va="center",
                    linespacing=1.0,
                    annotation_clip=False,
                )


def _caption(
    ranked: Ranks, alike: Sequence[Sequence[str]], difference: float | None, comparisons: int
) -> list[str]:
    told = [
        f"Average rank by test accuracy over {counted(ranked.n, 'task')}, 1 is best: read off which methods "
        "a bar joins, for those are not told apart"
    ]
    if ranked.n < FEWEST_TASKS:
        told.append(f"There are no bars: {TOO_FEW} for a test ({ranked.n} of at least {FEWEST_TASKS})")
    else:
        told.append(
            f"Bars (dots are their members): Wilcoxon's signed rank test, Holm over {comparisons} comparisons"
            + ("" if alike else "; here all are told apart")
        )
    if difference is not None:
        told.append(f"CD: Nemenyi's critical difference, {difference:.2f} ranks, for the eye only")
    tested = ranked.why if ranked.p is None else f"p = {ranked.p:.3g}"
    return [*told, f"Friedman's test of whether ranks differ at all: {tested}"]


PIECE = Piece(Section.COMPARISON, 20, _draw)
