"""The plain path on cached features: all tokens of every class, but images once, and no pass twice."""

from __future__ import annotations

import torch
from torch import Tensor

from nemesis_sweep.bench.ways import OneByOne
from nemesis_sweep.bench.work import Work
from nemesis_sweep.vlm.text import encode_text


class PlainWay(OneByOne):
    """What remains of the public code's work when images are cached and PAN reuses the training pass."""

    work: Work

    def forward(self, replicate: int, positions: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.logits(replicate, self.context[replicate])
        selected = torch.zeros(len(positions), dtype=torch.bool)
        with torch.no_grad():
            before = self.correct(replicate, logits)
            for number, position in enumerate(positions.tolist()):
                selected[number] = self.corrupted_correct(replicate, position) > before
        return logits, selected

    def logits(self, replicate: int, context: Tensor) -> Tensor:
        texts = encode_text(self.work.backbone.text, self.work.layout, context[None], path="plain")[0]
        return self.scaled(self.work.images[replicate], texts)
