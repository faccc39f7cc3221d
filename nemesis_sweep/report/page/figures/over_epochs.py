"""Accuracy and norms over epochs of the best found and plain CoOp: the paper's Figure 3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from nemesis_sweep.report.curves import Curve, curves_of
from nemesis_sweep.report.page.contenders import BEST, PLAIN
from nemesis_sweep.report.page.looks import looks
from nemesis_sweep.report.page.material import Material, TaskOfSweep
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.sheets import sheets
from nemesis_sweep.report.page.style import entitle, legend_below, name_heights, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACCURACY = (
    "Accuracy (percent, mean over replicates) after each epoch, on the validation images (thick) and on the "
    "images that are learnt from (thin), of the best found and of plain CoOp. Read off whether validation "
    "still rises at the end, so that more epochs would help, or falls while training rises."
)
NORM = (
    "Mean 2-norm of the learnt vectors (mean over replicates) after each epoch, of the best found and of "
    "plain CoOp. Read off whether the better of the two holds its norms low; nothing was selected by them."
)


def _draw(material: Material) -> Iterator[Picture]:
    found = [(task, curves) for task in material.tasks if (curves := _curves(task))]
    for name, title, caption, metrics, unit in (
        ("accuracy-over-epochs", "Accuracy over epochs", ACCURACY, ("val/accuracy", "train/accuracy"), "%"),
        ("norm-over-epochs", "Norms over epochs", NORM, ("norm/mean",), "mean norm"),
    ):
        for sheet, part in sheets(found):
            figure, axes = panels(len(part), height=1.9)
            for ax, (task, curves) in zip(axes, part, strict=True):
                _panel(ax, curves, metrics)
                entitle(ax, material.title(task))
            name_heights(axes, unit)
            legend_below(figure, axes)
            yield Picture(sheet.name(name), sheet.title(title), caption, figure)


def _curves(task: TaskOfSweep) -> dict[str, dict[str, Curve]]:
    """The curves of the best found and of plain CoOp that were told, by method."""
    home = task.sweep.home.path
    rows = {method: each.row for method in (PLAIN, BEST) if (each := task.contender(method)) is not None}
    if BEST in rows and PLAIN in rows and rows[BEST].number == rows[PLAIN].number:
        del rows[BEST]
    found = {method: curves_of(home, task.study, row.number, task.name) for method, row in rows.items()}
    return {method: curves for method, curves in found.items() if "norm/mean" in curves}


def _panel(ax: Axes, curves: Mapping[str, Mapping[str, Curve]], metrics: Sequence[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    look = looks(curves)
    for method, own in curves.items():
        colour, dash = look[method]["color"], look[method]["linestyle"]
        for metric, width in zip(metrics, (1.3, 0.6), strict=False):
            points = own.get(metric, [])
            few = 0 < len(points) <= 12 and width > 1
            ax.plot(
                [epoch for epoch, _ in points],
                [value for _, value in points],
                color=colour,
                linestyle=dash,
                linewidth=width,
                marker=look[method]["marker"] if few else None,
                markersize=2.5,
                label=f"{method}, {metric.split('/')[0]}" if len(metrics) > 1 else method,
            )


PIECE = Piece(Section.TRAINING, 10, _draw)
