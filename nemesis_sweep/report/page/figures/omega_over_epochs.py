"""Omega(e): the strength of the penalty in every epoch, of the best of each loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.nemesis.annealings.registry import annealing
from nemesis_sweep.report.curves import curves_of
from nemesis_sweep.report.page.contenders import BEST, BEST_OF
from nemesis_sweep.report.page.looks import looks
from nemesis_sweep.report.page.material import Material, TaskOfSweep
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.sheets import sheets
from nemesis_sweep.report.page.style import entitle, legend_below, name_heights, panels
from nemesis_sweep.spec.choices import ANNEAL_FIELDS, ANNEALINGS
from nemesis_sweep.spec.losses import LOSSES, NONE
from nemesis_sweep.spec.method import Method
from nemesis_sweep.sweep.row import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = [*(BEST_OF + loss for loss in LOSSES if loss != NONE), BEST]
WEIGHT = "penalty/weight"
CAPTION = (
    "Omega times the annealing's weight in each epoch, of the best trial of each loss, which the objective "
    "selected. Read off when in training a penalty was wanted, and whether tasks agree on it."
)


def _draw(material: Material) -> Iterator[Picture]:
    found = [(task, curves) for task in material.tasks if _several(task) and (curves := _curves(task))]
    for sheet, part in sheets(found):
        figure, axes = panels(len(part), height=1.9)
        for ax, (task, curves) in zip(axes, part, strict=True):
            _panel(ax, curves)
            entitle(ax, material.title(task))
        name_heights(axes, "omega(e)")
        legend_below(figure, axes)
        title = sheet.title("Strength of the penalty over epochs")
        yield Picture(sheet.name("omega-over-epochs"), title, CAPTION, figure)


def _several(task: TaskOfSweep) -> bool:
    """Whether its trials have penalties that change over the epochs in several ways."""
    names = {row.method.get("anneal") for row in task.searched}
    return len(names) > 1 or any(
        len({row.method.get(name) for row in task.searched}) > 1 for name in ANNEAL_FIELDS
    )


def _curves(task: TaskOfSweep) -> dict[str, list[float]]:
    """The strengths of the methods that are shown, once where two are the same trial."""
    shown = {each.row.number: each for each in task.contenders if each.method in SHOWN}
    return {each.method: curve for each in shown.values() if (curve := _strengths(task, each.row))}


def _strengths(task: TaskOfSweep, row: Row) -> list[float]:
    if not is_steered(row.method):
        return strengths(row.method)
    measured = curves_of(task.sweep.home.path, task.study, row.number, task.name).get(WEIGHT, [])
    return [float(row.method["omega"]) * weight for _, weight in measured]


def is_steered(method: Mapping[str, object]) -> bool:
    """Whether the weight follows from what was measured, so that only the records have it."""
    entry = ANNEALINGS.get(str(method.get("anneal")))
    return entry is not None and entry.steered


def strengths(method: Mapping[str, object]) -> list[float]:
    """Omega(e) of every epoch, where it is not steered; empty without a penalty, and where an annealing of
    one's own is not there."""
    known = {**dict(Method()), **method}  # A row of an earlier version lacks fields.
    try:
        weight = annealing(known)
    except UserError:
        return []
    epochs = int(known["epochs"])
    return [known["omega"] * weight(epoch, epochs) for epoch in range(epochs)] if known["omega"] else []


def _panel(ax: Axes, curves: Mapping[str, list[float]]) -> None:
    from matplotlib.ticker import MaxNLocator

    look = looks(SHOWN)
    for method, curve in curves.items():
        ax.plot(
            range(1, len(curve) + 1), curve, color=look[method]["color"],
            linestyle=look[method]["linestyle"], label=method,
        )  # fmt: skip
    ax.set_ylim(0, None)
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))


PIECE = Piece(Section.TRAINING, 20, _draw)
