"""Our way: the trainer itself, as every trial runs it."""

from __future__ import annotations

import warnings

from torch import Tensor

from nemesis_sweep.bench.ways import Outcome, gradient_of
from nemesis_sweep.bench.work import EPOCH, Work
from nemesis_sweep.training.trainer import Trainer


class OurWay:
    """All replicates in one set of tensors, nothing frozen computed twice."""

    def __init__(self, work: Work) -> None:
        self.work = work
        with warnings.catch_warnings():
            # A model with a compact vocabulary warns about words that it does not know: no matter here.
            warnings.simplefilter("ignore")
            self.trainer = Trainer(work.backbone, work.names, work.method, work.setting.seeds)
        self.values = self.trainer.parameters
        self.context = self.values["context"]

    def step(self, positions: Tensor) -> Outcome:
        """One optimiser step in which PAN tests the positions (R, N)."""
        tested = positions if self.work.setting.pan else None
        step = self.trainer.step(self.work.images, self.work.labels, EPOCH, tested)
        return Outcome(step.loss, gradient_of(self.values), step.selected)
