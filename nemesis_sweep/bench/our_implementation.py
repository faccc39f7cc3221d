"""Our implementation: the trainer itself, as every trial runs it."""

from __future__ import annotations

import warnings

from torch import Tensor

from nemesis_sweep.bench.implementations import Outcome, gradient_of
from nemesis_sweep.bench.workload import EPOCH, Workload
from nemesis_sweep.training.trainer import Trainer


class OurImplementation:
    """All replicates in one set of tensors, nothing frozen computed twice."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        with warnings.catch_warnings():
            # A model with a compact vocabulary warns about words that it does not know: no matter here.
            warnings.simplefilter("ignore")
            self.trainer = Trainer(workload.backbone, workload.names, workload.method, workload.setting.seeds)
        self.values = self.trainer.parameters

    @property
    def context(self) -> Tensor:
        """The context vectors as they are now, (R, ..., M, D)."""
        return self.trainer.learner.values()["context"]

    def step(self, positions: Tensor) -> Outcome:
        """One optimiser step in which PAN tests the positions (R, N)."""
        tested = positions if self.workload.setting.pan else None
        step = self.trainer.step(self.workload.images, self.workload.labels, EPOCH, tested)
        return Outcome(step.loss, gradient_of(self.values), step.selected)
