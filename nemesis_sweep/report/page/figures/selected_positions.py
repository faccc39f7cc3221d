"""How often PAN selected each context vector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from nemesis_sweep.report.page.material import Material, TaskOfSweep
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.sheets import sheets
from nemesis_sweep.report.page.style import entitle, legend_below, name_heights, panels
from nemesis_sweep.spec.losses import MIX, PAN, loss_of
from nemesis_sweep.sweep.best import best, candidates_of
from nemesis_sweep.sweep.row import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAPTION = (
    "Share of the training steps in which PAN drew a context vector and penalised it, because corrupting "
    "it helped (mean over replicates, bars: standard deviation), of the best trial with PAN of each task; "
    "a vector is drawn in the share of steps at the dotted line, so no bar can be above. Read off whether "
    "some positions are selected more than others."
)


def _draw(material: Material) -> Iterator[Picture]:
    shown = [(task, row) for task in material.tasks if (row := trial_with_pan(task)) is not None]
    for sheet, part in sheets(shown):
        figure, axes = panels(len(part), height=1.8)
        for ax, (task, row) in zip(axes, part, strict=True):
            _panel(ax, row)
            entitle(ax, f"{material.title(task)}\ntrial {row.number}{' (winner)' if row.best else ''}")
        name_heights(axes, "% of steps")
        legend_below(figure, axes)
        title = sheet.title("Positions that PAN selected")
        yield Picture(sheet.name("selected-positions"), title, CAPTION, figure)


def trial_with_pan(task: TaskOfSweep) -> Row | None:
    """The best of a task's trials with PAN whose shares are known: the winner, if it is one."""
    known = {
        row.number: row for row in task.searched if row.selected_share and loss_of(row.method) in (PAN, MIX)
    }
    winner = next((row for row in known.values() if row.best), None)
    found = best(candidates_of(known.values(), task.sweep.objectives))
    return winner or (known[found.number] if found is not None else None)


def _panel(ax: Axes, row: Row) -> None:
    shares = 100 * np.asarray(row.selected_share, float)
    count = shares.shape[1]
    spread = shares.std(axis=0, ddof=1) if len(shares) > 1 else np.zeros(count)
    mean = shares.mean(axis=0)
    # No bar below 0: a share is none.
    ax.bar(
        range(1, count + 1), mean, yerr=[np.minimum(spread, mean), spread], color="#009E73", width=0.75,
        error_kw={"elinewidth": 0.8, "ecolor": "#7F7F7F"},
    )  # fmt: skip
    drawn = 100 * min(int(row.method.get("n_positions") or 1), count) / count
    ax.axhline(drawn, color="#7F7F7F", linestyle=":", label="drawn")
    step = max(1, -(-count // 8))
    ax.set_xticks([1, *range(step, count + 1, step)] if step > 1 else range(1, count + 1))
    ax.set_ylim(0, None)
    ax.grid(axis="x", visible=False)
    ax.set_xlabel("context vector")


PIECE = Piece(Section.SEARCH, 70, _draw)
