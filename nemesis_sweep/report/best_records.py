"""What the best trial of a task leaves for MLflow beside its prompt: norms, accuracy per class, a picture.

Everything is read from the home, without torch: `records/` in the trial's folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.files.parquet import write_table
from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.report.curves import Curve, curves_of
from nemesis_sweep.report.page.looks import COLOURS
from nemesis_sweep.report.page.style import DPI, WIDTH, styled
from nemesis_sweep.report.predictions import Predictions, predictions_of
from nemesis_sweep.spec.sweep import JOINT, MEAN
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.tracking.sweep_run import RECORDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NORM, TEST = "norm/mean", "test/accuracy"
SHOWN = ("train/accuracy", "val/accuracy")
GAPS = {2: 0.29, 3: 0.51}
"""Between panels, as a share of their width, by how many there are: for labels of seven digits and a name."""
PANELS = (("epoch", "accuracy (%)"), ("epoch", "mean 2-norm"), ("position", "selected by PAN (%)"))


def write_best_records(home: Path, rows: Iterable[Row]) -> list[Path]:
    """Write the records of the best trials among rows that are marked, and return their folders."""
    folders = []
    sheets: dict[int, Figure] = {}
    for row in rows:
        if row.best and row.task != MEAN and row.epochs:
            trial = Home(home).trial(row.study, row.number)
            folder = (trial / str(row.task) if row.study == JOINT else trial) / RECORDS
            _write(home, row, folder, sheets)
            folders.append(folder)
    return folders


def _write(home: Path, row: Row, folder: Path, sheets: dict[int, Figure]) -> None:
    folder.mkdir(exist_ok=True)
    curves = curves_of(home, row.study, row.number, str(row.task))
    write_table(folder / "norms.parquet", norms_table(curves.get(NORM, [])))
    with suppress(DamagedError):  # A report tells which file it is.
        if predicted := predictions_of(home, row).get(TEST):
            write_table(folder / "per_class.parquet", per_class_table(predicted))
    with styled():
        _draw(row, curves, folder / "trial.png", sheets)


def norms_table(curve: Curve) -> pa.Table:
    """The mean 2-norm of the penalised vectors, over them and the replicates, after each epoch."""
    epochs, values = zip(*curve, strict=True) if curve else ((), ())
    return pa.table({"epoch": pa.array(epochs, pa.int64()), "norm": pa.array(values, pa.float64())})


def per_class_table(predicted: Predictions) -> pa.Table:
    """The accuracy in percent of every class that has test images, for every seed."""
    labels, names = predicted.images.labels, predicted.images.classnames
    counts = np.bincount(labels, minlength=len(names))
    there = np.flatnonzero(counts)
    hits = [np.bincount(labels, weights=each, minlength=len(names)) for each in predicted.right]
    return pa.table(
        {
            "class": [names[label] for _ in predicted.seeds for label in there],
            "images": [int(counts[label]) for _ in predicted.seeds for label in there],
            "seed": [seed for seed in predicted.seeds for _ in there],
            "accuracy": [100 * float(own[label]) / int(counts[label]) for own in hits for label in there],
        }
    )


def _draw(row: Row, curves: dict[str, Curve], file: Path, sheets: dict[int, Figure]) -> None:
    """Accuracy and norm over epochs, and how often PAN selected each position, where it took part.

    sheets: figures by their number of panels, which are used again: to make axes takes most of the time.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    share = [each for each in row.selected_share or () if len(each)]
    count = 3 if share else 2
    figure = sheets[count] = sheets.get(count) or _sheet(count)
    for axes in figure.axes:
        for artist in (*axes.lines, *axes.patches):
            artist.remove()
        axes.relim()
    accuracy, norm, *positions = figure.axes
    for name, colour in zip(SHOWN, COLOURS, strict=False):
        if curve := curves.get(name):
            accuracy.plot(*zip(*curve, strict=True), label=name, color=colour)
    if accuracy.lines:
        accuracy.legend()
    if curve := curves.get(NORM):
        norm.plot(*zip(*curve, strict=True), color=COLOURS[0])
    for axes in positions:
        mean = 100 * np.mean(np.asarray(share, float), axis=0)
        axes.bar(np.arange(1, len(mean) + 1), mean, color=COLOURS[0])
    with replacing(file) as partial:
        FigureCanvasAgg(figure).print_png(partial)  # `savefig` would draw it twice.


def _sheet(count: int) -> Figure:
    """A figure with that many panels, empty but for their names."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(WIDTH, 2.3), dpi=DPI, facecolor="white")
    # What a layout engine does for other figures: it takes as long as to draw, and these labels are known.
    figure.subplots_adjust(left=0.085, right=0.99, bottom=0.175, top=0.96, wspace=GAPS[count])
    for axes, names in zip(figure.subplots(1, count), PANELS, strict=False):
        axes.set(xlabel=names[0], ylabel=names[1])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
