"""The plain path: all tokens of every class, but images once where features are cached, and no pass twice."""

from __future__ import annotations

import torch
from torch import Tensor

from nemesis_sweep.bench.implementations import OneByOne
from nemesis_sweep.bench.plain_kinds import PLAIN_KINDS
from nemesis_sweep.bench.workload import Workload


class PlainImplementation(OneByOne):
    """What remains of the public code's work when images are cached and PAN reuses the training pass."""

    workload: Workload

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self.kind = PLAIN_KINDS[workload.method.prompt]

    def forward(self, replicate: int, positions: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.logits(replicate)
        selected = torch.zeros(len(positions), dtype=torch.bool)
        with torch.no_grad():
            before = self.correct(replicate, logits)
            for number, position in enumerate(positions.tolist()):
                selected[number] = self.corrupted_correct(replicate, position) > before
        return logits, selected

    @property
    def vectors(self) -> Tensor:
        return self.kind.vectors(self.values)

    @property
    def reduction(self) -> str:
        return self.kind.reduction

    def logits(self, replicate: int, factors: Tensor | None = None) -> Tensor:
        scales = self.ones if factors is None else factors
        images = self.workload.pixels if self.kind.of_pixels else self.workload.images
        return self.kind.logits(self.workload, self.own(replicate), images[replicate], scales)

    def term(self, replicate: int) -> Tensor | float:
        return self.kind.term(self.workload, self.own(replicate)) if self.kind.term else 0.0
