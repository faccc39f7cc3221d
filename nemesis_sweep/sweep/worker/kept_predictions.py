"""What a trial predicts while its accuracies are measured, kept beside its result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nemesis_sweep.sweep.home.tested_images import record_tested
from nemesis_sweep.sweep.predictions import Predicted, write_predictions
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker.worker_cache import tested
from nemesis_sweep.training.transfer import own_accuracy

if TYPE_CHECKING:
    from torch import Tensor


class KeptPredictions:
    """The classes ``(R, n)`` that a trial of one task predicts on its test sets."""

    def __init__(self, spec: TrialSpec) -> None:
        self._spec = spec
        self._found: dict[str, Tensor] = {}

    def own(self, classes: Tensor) -> None:
        """Add those on the test images of the classes that are learnt."""
        self.add(own_accuracy(self._spec.task.protocol), classes)

    def add(self, accuracy: str, classes: Tensor) -> None:
        """Add those of the test set that an accuracy is measured on, such as `test/new`."""
        self._found[accuracy] = classes

    def write(self) -> None:
        """Leave them in the trial's folder, before its result, and the test sets in the home."""
        if not self._found:
            return
        spec, home = self._spec, Path(self._spec.home)
        sets = tested(spec.task, spec.seeds, spec.home)
        predicted = {
            name: Predicted(classes.numpy(), record_tested(home, sets[name]))
            for name, classes in self._found.items()
        }
        write_predictions(spec.folder, spec.seeds, predicted)
