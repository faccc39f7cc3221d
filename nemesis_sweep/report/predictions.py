"""What trials predicted image by image, with the truth and the images: read from a home without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.spec.sweep import JOINT
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.tested_images import TestedImages, read_tested
from nemesis_sweep.sweep.predictions import FILE, read_predictions
from nemesis_sweep.sweep.row import Row


@dataclass(frozen=True, eq=False)
class Predictions:
    """The classes ``(R, n)`` that R replicates of a trial predicted on n test images.

    seeds: of the replicates. images: the test set, with labels ``(n,)``, class names and the images.
    """

    seeds: tuple[int, ...]
    classes: np.ndarray
    images: TestedImages

    @property
    def right(self) -> np.ndarray:
        """Whether each is the true class, ``(R, n)``."""
        right: np.ndarray = self.classes == self.images.labels
        return right


def predictions_of(home: Path, row: Row) -> dict[str, Predictions]:
    """What a complete trial predicted on a task, by the accuracy that it gives: `test/accuracy`, `test/new`.

    Nothing of a trial of an earlier version, which kept none. row: of one task, not of the mean over tasks.
    Raises ``DamagedError`` for a file that is damaged, and where the predictions do not give exactly the
    accuracies of the trial's result.
    """
    folder = Home(home).trial(row.study, row.number)
    folder = folder / str(row.task) if row.study == JOINT else folder
    if not (folder / FILE).exists():
        return {}
    seeds = tuple(row.seeds or ())
    found = {}
    for name, each in read_predictions(folder, seeds).items():
        found[name] = Predictions(seeds, each.classes, read_tested(home, each.test_set))
        if not _agree(found[name], row.replicates.get(name, ())):
            raise DamagedError(folder / FILE, "does not give the accuracies of its trial")
    return found


def _agree(predictions: Predictions, accuracies: Sequence[float]) -> bool:
    """Whether these are the accuracies, in percent, of the replicates."""
    if predictions.classes.shape != (len(accuracies), len(predictions.images.labels)):
        return False
    return bool(np.allclose(100 * predictions.right.mean(axis=1), accuracies, rtol=0, atol=1e-6))
