"""Two trials on the same made-up test images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.mistakes import Mistakes, Versus
from nemesis_sweep.report.predictions import Predictions
from nemesis_sweep.sweep.home.tested_images import TestedImages
from nemesis_sweep.testing.colours import RGB, picture


def two_trials(labels, best, coop, folder: Path | str = "/nowhere", names=tuple(RGB)) -> Versus:
    """labels ``(n,)``; what the best found and plain CoOp predicted, ``(R, n)``. folder: of the images."""
    files = tuple(f"{number}.png" for number in range(len(labels)))
    images = TestedImages("made", None, tuple(names), np.array(labels), files, str(folder), held=False)
    seeds = tuple(range(1, len(best) + 1))
    return Versus("made 1-shot", *(Predictions(seeds, np.array(each), images) for each in (best, coop)))


def material_of(versus: Versus) -> Material:
    """The material of a page that has nothing else."""
    material = Material([])
    vars(material)["mistakes"] = Mistakes([versus], {})
    return material


def write_images(folder: Path, labels) -> None:
    """An image in the colour of its class for every label."""
    for number, label in enumerate(labels):
        rgb = list(RGB.values())[label]
        (folder / f"{number}.png").write_bytes(picture(rgb, seed=number, size=100 + number))
