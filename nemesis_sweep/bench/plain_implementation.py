"""The plain path: all tokens of every class, but images once where features are cached, and no pass twice."""

from __future__ import annotations

import torch
from torch import Tensor

from nemesis_sweep.bench.implementations import OneByOne
from nemesis_sweep.bench.plain_kinds import PLAIN_KINDS, Features, logits_of
from nemesis_sweep.bench.workload import Workload


class PlainImplementation(OneByOne):
    """What remains of the public code's work when images are cached and PAN reuses the training pass."""

    workload: Workload

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self.kind = PLAIN_KINDS[workload.method.prompt]
        self._found: Features | None = None

    def forward(self, replicate: int, positions: Tensor) -> tuple[Tensor, Tensor]:
        logits, self._found = self._answer(replicate, self.ones)
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
        return self._answer(replicate, self.ones if factors is None else factors)[0]

    def term(self, replicate: int) -> Tensor | float:
        if self.kind.term is None or self._found is None:
            return 0.0
        return self.kind.term(self.workload, self._images(replicate), self._found)

    def _answer(self, replicate: int, factors: Tensor) -> tuple[Tensor, Features | None]:
        """Logits, and the features that they are made of where the kind's own term needs them."""
        workload = self.workload
        found = self.kind.answer(workload, self.own(replicate), self._images(replicate), factors)
        if isinstance(found, Tensor):
            return found, None
        return logits_of(workload, found[0] @ found[1].T), found

    def _images(self, replicate: int) -> Tensor:
        images = self.workload.pixels if self.kind.of_pixels else self.workload.images
        return images[replicate]
