"""Omega alone: for each bucket of it the best trial over all other dimensions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from nemesis_sweep.report.entry import measured_values
from nemesis_sweep.report.page.contenders import PLAIN, TEST
from nemesis_sweep.report.page.material import Material, TaskOfSweep
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.scale import Scale, scales_of, tick_text
from nemesis_sweep.report.page.sheets import sheets
from nemesis_sweep.report.page.style import draw_plain, entitle, legend_below, name_heights, panels
from nemesis_sweep.report.statistics import score
from nemesis_sweep.sweep.best import best, candidates_of
from nemesis_sweep.sweep.row import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OMEGA = "omega"
PARTS = 6
"""Buckets of a range; each of a few choices is one of its own."""


@dataclass(frozen=True)
class Bucket:
    """Trials with omega from low to high; of a single value both are it. best: the trial that validation
    picks among them, None where none is complete."""

    low: float
    high: float
    count: int
    best: Row | None


def buckets(rows: Sequence[Row], objectives: Sequence[str], scale: Scale) -> list[Bucket]:
    """The complete trials that keep the constraints by omega: of choices each value that was tried, else
    equal parts of the range (0 apart)."""
    known = {row.number: row for row in rows}
    kept = [known[each.number] for each in candidates_of(rows, objectives)]
    kept = [row for row in kept if row.method.get(OMEGA) is not None]
    values = sorted({float(row.method[OMEGA]) for row in kept})
    if scale.choices:
        ends = [(value, value) for value in values]
    else:
        ends = [(0.0, 0.0)] if 0.0 in values and scale.log else []
        edges = [_at(scale, part / PARTS) for part in range(PARTS + 1)]
        ends += list(pairwise(edges))
    return [_bucket(kept, low, high, (low, high) == ends[-1], objectives) for low, high in ends]


def _bucket(rows: Sequence[Row], low: float, high: float, last: bool, objectives: Sequence[str]) -> Bucket:
    own = [row for row in rows if _within(float(row.method[OMEGA]), low, high, last)]
    found = best(candidates_of(own, objectives))
    return Bucket(
        low, high, len(own), next((row for row in own if found and row.number == found.number), None)
    )


def _within(value: float, low: float, high: float, last: bool) -> bool:
    return value == low if low == high else low <= value and (value < high or last)


def _at(scale: Scale, share: float) -> float:
    if scale.log:
        return scale.low * math.exp(share * math.log(scale.high / scale.low))
    return scale.low + share * (scale.high - scale.low)


def _draw(material: Material) -> Iterator[Picture]:
    shown = [(task, _buckets_of(task)) for task in material.tasks]
    shown = [(task, found) for task, found in shown if sum(1 for each in found if each.best) > 1]
    for sheet, part in sheets(shown):
        figure, axes = panels(len(part), height=2.0)
        for ax, (task, found) in zip(axes, part, strict=True):
            _panel(ax, task, found)
            entitle(ax, material.title(task), pad=13)
        name_heights(axes, "accuracy (%)")
        legend_below(figure, axes)
        title = sheet.title("Omega alone, the rest at its best")
        yield Picture(sheet.name("isolation"), title, _caption(material), figure)


def _caption(material: Material) -> str:
    objective = " or ".join(dict.fromkeys(sweep.objectives[0] for sweep in material.sweeps))
    return (
        f"For each bucket of omega the best of its trials over all other dimensions: {objective} picks it, "
        "test is shown beside (mean over replicates, bars: standard deviation). Read off which strength is "
        "worth its while; the numbers above are the trials in each bucket, and the best of more trials is "
        "better by luck alone."
    )


def _buckets_of(task: TaskOfSweep) -> list[Bucket]:
    scale = scales_of(task.sweep.sweep.space).get(OMEGA)
    if scale is None:
        return []
    return buckets(task.searched, task.sweep.objectives, scale)


def _panel(ax: Axes, task: TaskOfSweep, found: Sequence[Bucket]) -> None:
    objective = task.sweep.objectives[0]
    metric = objective if objective.endswith("accuracy") else "val/accuracy"
    for name, beside, colour, mark in ((metric, -0.12, "#0072B2", "o"), (TEST, 0.12, "#D55E00", "s")):
        points = [(place, each.best) for place, each in enumerate(found) if each.best is not None]
        told = [(place, measured_values(row, name)) for place, row in points]
        scores = [(place, score(values)) for place, values in told if values]
        if scores and (name != metric or beside < 0):
            ax.errorbar(
                [place + beside for place, _ in scores],
                [each.mean for _, each in scores],
                [each.std or 0.0 for _, each in scores],
                fmt=mark,
                color=colour,
                markerfacecolor=colour if name == metric else "none",
                elinewidth=0.8,
                capsize=1.5,
                label=_split(name) + " (picks)" * (name == objective),
            )
    draw_plain(ax, task, f"{PLAIN}, test")
    for place, each in enumerate(found):
        ax.annotate(
            str(each.count), (place, 1.0), (0, 2), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", va="bottom", fontsize=6,
        )  # fmt: skip
    _name_buckets(ax, found)


def _split(metric: str) -> str:
    return "validation" if metric.startswith("val") else "test"


def _name_buckets(ax: Axes, found: Sequence[Bucket]) -> None:
    """A value below its bucket, and the ends of ranges between them."""
    ticks: dict[float, str] = {}
    for place, each in enumerate(found):
        if each.low == each.high:
            ticks[place] = tick_text(each.low)
        else:
            ticks |= {place - 0.5: _two_digits(each.low), place + 0.5: _two_digits(each.high)}
    ax.set_xlim(-0.6, len(found) - 0.4)
    ax.set_xticks(list(ticks), list(ticks.values()))
    ax.set_xlabel(OMEGA)


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):g}"


PIECE = Piece(Section.SEARCH, 20, _draw)
