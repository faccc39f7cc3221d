"""Strength of the penalty against accuracy, a panel for each task: does more omega help with fewer shots?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nemesis_sweep.report.page.contenders import BEST, BEST_OF, PLAIN, TEST
from nemesis_sweep.report.page.looks import looks
from nemesis_sweep.report.page.material import Material, TaskOfSweep
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.scale import Scale, numeric_scale
from nemesis_sweep.report.page.sheets import sheets
from nemesis_sweep.report.page.style import (
    ACROSS,
    draw_plain,
    entitle,
    is_cloud,
    legend_below,
    name_heights,
    panels,
    scale_axis,
)
from nemesis_sweep.report.statistics.mean_ranks import mean_ranks
from nemesis_sweep.spec.losses import LOSSES, loss_of
from nemesis_sweep.sweep.row import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST = 5
"""Trials with a penalty from which a rank correlation is told."""
CAPTION = (
    "A point is a complete trial: its test accuracy (mean over replicates) over omega, which is "
    "logarithmic with 0 apart at the left; trials of the same omega may stand a little beside one another. "
    "The ring is the trial that {objective} selected, the line plain CoOp. Read off whether points rise to "
    "the right, and whether they do so more with fewer shots: rho is the rank correlation (Spearman) of "
    "omega and accuracy over the trials with a penalty."
)


def _draw(material: Material) -> Iterator[Picture]:
    shown = [(task, _points(task)) for task in material.tasks]
    shown = [(task, points) for task, points in shown if points]
    omegas = [omega for _, points in shown for _, omega in points]
    if len(set(omegas)) < 2:
        return
    scale = numeric_scale("omega", omegas)
    across = _across([task for task, _ in shown])
    for sheet, part in sheets(shown, across):
        figure, axes = panels(len(part), across=across, height=1.9)
        total = sum(len(points) for _, points in part)
        for ax, (task, points) in zip(axes, part, strict=True):
            _panel(ax, material, task, points, scale, is_cloud(total))
        name_heights(axes, "test accuracy (%)", across)
        legend_below(figure, axes, columns=6)
        title = sheet.title("Strength of the penalty by shots")
        objective = " or ".join(dict.fromkeys(task.sweep.objectives[0] for task, _ in part))
        yield Picture(sheet.name("omega-by-shots"), title, CAPTION.format(objective=objective), figure)


def _points(task: TaskOfSweep) -> list[tuple[Row, float]]:
    """The complete trials whose omega and test accuracy are known, with omega."""
    return [
        (row, float(row.method["omega"]))
        for row in task.searched
        if row.state == "COMPLETE" and row.method.get("omega") is not None and row.measured(TEST) is not None
    ]


def _test(row: Row) -> float:
    value = row.measured(TEST)
    assert value is not None
    return value


def _across(tasks: Sequence[TaskOfSweep]) -> int:
    """Panels in a row: a dataset's shots side by side where that fits."""
    counts = {len({each.key.shots for each in tasks if each.data == task.data}) for task in tasks}
    return counts.pop() if len(counts) == 1 and counts <= {2, 3, 4} else ACROSS


def _panel(
    ax: Axes,
    material: Material,
    task: TaskOfSweep,
    points: Sequence[tuple[Row, float]],
    scale: Scale,
    cloud: bool,
) -> None:
    scale_axis(ax, scale)
    look = looks([BEST_OF + loss for loss in LOSSES])
    places = _spread(scale, [omega for _, omega in points])
    for loss in LOSSES:
        own = [number for number, (row, _) in enumerate(points) if loss_of(row.method) == loss]
        if own:
            how = look[BEST_OF + loss]
            ax.plot(
                [places[number] for number in own],
                [_test(points[number][0]) for number in own],
                how["marker"],
                color=how["color"],
                label="no penalty" if loss == LOSSES[0] else loss,
                alpha=0.4 if cloud else 0.8,
                markersize=2.5 if cloud else 4,
                markeredgewidth=0,
                rasterized=cloud,
            )
    _mark_selected(ax, task, points, places)
    draw_plain(ax, task, PLAIN)
    ax.margins(y=0.12)
    entitle(ax, f"{material.title(task)}\n{_told(points)}")


def _mark_selected(
    ax: Axes, task: TaskOfSweep, points: Sequence[tuple[Row, float]], places: Sequence[float]
) -> None:
    winner = task.contender(BEST)
    for (row, _), place in zip(points, places, strict=True):
        if winner is not None and row.number == winner.row.number:
            ring: dict[str, Any] = {"markersize": 9, "markerfacecolor": "none", "markeredgewidth": 1.2}
            ring["clip_on"] = False  # At the edge of the range, too.
            label = f"selected on {task.sweep.objectives[0]}"
            ax.plot([place], [_test(row)], "o", color="#0072B2", label=label, **ring)


def _spread(scale: Scale, omegas: Sequence[float]) -> list[float]:
    """The places of some values; trials of the same one a little beside one another, where there are few
    values."""
    places = [scale.place(omega) or 0.0 for omega in omegas]
    if len(set(omegas)) > 8:
        return places
    return [place + (number % 7 - 3) * 0.008 for number, place in enumerate(places)]


def _told(points: Sequence[tuple[Row, float]]) -> str:
    """`rho +0.31, n 12`: of the trials with a penalty."""
    known = [(omega, _test(row)) for row, omega in points if loss_of(row.method) != LOSSES[0]]
    omegas, values = (np.array([pair[side] for pair in known]) for side in (0, 1))
    if len(known) < FEWEST or len(set(omegas)) < 2 or len(set(values)) < 2:
        return f"n {len(known)}"
    return f"rho {rank_correlation(omegas, values):+.2f}, n {len(known)}"


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's: Pearson's of the ranks, equals sharing theirs."""
    return float(np.corrcoef(mean_ranks(one), mean_ranks(other))[0, 1])


PIECE = Piece(Section.SEARCH, 10, _draw)
