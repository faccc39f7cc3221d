"""Accuracy over shots by method: the main figure of few-shot papers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from nemesis_sweep.report.page.looks import looks
from nemesis_sweep.report.page.material import Material, TaskOfSweep
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.sheets import sheets
from nemesis_sweep.report.page.style import ACROSS, entitle, legend_below, name_heights, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAPTION = (
    "Test accuracy (percent, mean over replicates, bars: standard deviation) over training images per class. "
    "Read off how the distance of the best found to plain CoOp changes with the shots."
)


def _draw(material: Material) -> Iterator[Picture]:
    groups: dict[str, list[TaskOfSweep]] = {}
    several = len({task.key.backbone for task in material.tasks}) > 1
    for task in material.tasks:
        told = f"{task.data}, {task.key.protocol.replace('_', ' ')}".removesuffix(", few shot")
        groups.setdefault(f"{told}, {task.backbone}" if several else told, []).append(task)
    if all(len({task.key.shots for task in tasks}) < 2 for tasks in groups.values()):
        return
    methods = [material.method(task, each) for task in material.tasks for each in task.contenders]
    look = looks(methods)
    for sheet, shown in sheets(list(groups.items())):
        # Higher where there is one row: the rows of a full sheet would not fit the paper.
        figure, axes = panels(len(shown), height=2.4 if len(shown) <= ACROSS else 2.0)
        for ax, (title, tasks) in zip(axes, shown, strict=True):
            _panel(ax, material, tasks, look)
            entitle(ax, title)
        name_heights(axes, "test accuracy (%)")
        legend_below(figure, axes)
        yield Picture(sheet.name("accuracy-over-shots"), sheet.title("Accuracy over shots"), CAPTION, figure)


def _panel(
    ax: Axes, material: Material, tasks: Sequence[TaskOfSweep], look: dict[str, dict[str, Any]]
) -> None:
    shots = sorted({task.key.shots for task in tasks})
    for place, (method, how) in enumerate(look.items()):
        points = [
            (task.key.shots, each.entry.test)
            for task in tasks
            for each in task.contenders
            if material.method(task, each) == method and each.entry.test is not None
        ]
        if points:
            # A little beside one another, so that no bar hides another.
            x = [shots.index(count) + (place - len(look) / 2) * 0.02 for count, _ in points]
            ax.errorbar(
                x,
                [score.mean for _, score in points],
                [score.std or 0.0 for _, score in points],
                label=method,
                capsize=1.5,
                elinewidth=0.7,
                **how,
            )
    ax.set_xticks(range(len(shots)), list(map(str, shots)))
    ax.set_xlabel("shots")


PIECE = Piece(Section.RESULTS, 30, _draw)
