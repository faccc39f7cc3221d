"""Corruption as files: a Parquet table, and a heat map of each operation as SVG and PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nemesis_sweep.files.own_folder import refuse_foreign
from nemesis_sweep.files.replaced_folder import replacing_folder
from nemesis_sweep.report.corruption import Cells
from nemesis_sweep.report.page.formats.picture import write_picture
from nemesis_sweep.report.page.pieces import Picture
from nemesis_sweep.report.page.style import WIDTH, styled
from nemesis_sweep.spec.choices import CORRUPTIONS, RESCALE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

TABLE = "corruption.parquet"
TITLES = {"rescale": "A vector is scaled", "replace": "A vector is replaced by noise"}
LEAST = 1.0
"""Points at the ends of the colours, at least: what is a tenth of a point is not to look like an effect."""


def write_tables_and_maps(folder: Path, cells: Sequence[Cells], table: pa.Table, about: str) -> None:
    """Write `corruption.parquet` and `OPERATION.svg`, `.png` into a folder, which is replaced whole.

    about: the data and the split, for captions. Raises ``UserError`` as ``refuse_something_else`` does.
    """
    refuse_something_else(folder)
    with replacing_folder(folder) as partial, styled():
        pq.write_table(table, partial / TABLE, compression="zstd")
        for each in cells:
            write_picture(picture_of(each, about), partial)


def refuse_something_else(folder: Path) -> None:
    """Raise ``UserError`` for a folder that holds anything but an earlier corruption."""
    pictures = (f"{name}.{ending}" for name in CORRUPTIONS for ending in ("svg", "png"))
    refuse_foreign(folder, "--to", (TABLE, *pictures))


def picture_of(cells: Cells, about: str) -> Picture:
    """The heat map of one operation."""
    name = cells.grid.operation
    caption = (
        f"Change of accuracy on {about} in points when one context vector is corrupted, mean over "
        f"{len(cells.grid.seeds)} seeds; a dot where that of a seed is beyond chance (McNemar's exact test, "
        "at most 5 % false findings among all cells). Read off at which positions a lower norm helps."
    )
    return Picture(name, TITLES[name], caption, _figure(cells))


def _figure(cells: Cells) -> Figure:
    from matplotlib.figure import Figure

    positions = len(cells.grid.positions)
    figure = Figure(figsize=(WIDTH, 0.9 + 0.22 * positions), layout="constrained")
    ax = figure.subplots()
    figure.colorbar(draw_map(ax, cells), ax=ax, label="points")
    ax.set_ylabel("position (norm)")
    return figure


def furthest(several: Sequence[Cells]) -> float:
    """Points at the ends of the colours of some maps."""
    return max(LEAST, *(float(np.abs(each.grid.change.mean(axis=0)).max()) for each in several))


def draw_map(ax: Axes, cells: Cells, most: float | None = None) -> AxesImage:
    """The change of accuracy, mean over the seeds: a row for each position, a column for each strength.

    most: points at the ends of the colours, by default those of this map.
    """
    grid, change = cells.grid, cells.grid.change.mean(axis=0)
    strengths = len(grid.strengths)
    most = furthest([cells]) if most is None else most
    image = ax.imshow(change, cmap="PuOr_r", vmin=-most, vmax=most, aspect="auto")
    ax.grid(visible=False)
    ax.set_xticks(range(strengths), [f"{each:g}" for each in grid.strengths])
    norms = zip(grid.positions, grid.norms.mean(axis=0).tolist(), strict=True)
    ax.set_yticks(range(len(change)), [f"{number} ({norm:.2f})" for number, norm in norms])
    ax.set_xlabel("factor" if grid.operation == RESCALE else "deviation of the noise")
    for row, column in np.argwhere(cells.beyond_chance.any(axis=0)).tolist():
        ax.plot(column, row, "o", color="white", markeredgecolor="#1c1d1e", markersize=3, markeredgewidth=0.6)
    return image
