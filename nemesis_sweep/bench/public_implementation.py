"""The public code's way of a training step: images and 77 tokens of every class in every pass."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.bench.implementations import Batches, OneByOne


class PublicImplementation(OneByOne):
    """CoOp and Nemesis as their public code goes about it, with nothing that would slow it down.

    Every pass encodes the batch of images (never with a graph) and all tokens of every class. PAN's
    pre-inference is one uncorrupted pass and one per tested position, without gradients; then the training
    pass. The embeddings around the context are looked up once, at the start, as the public code does.
    """

    def __init__(self, workload: Batches) -> None:
        super().__init__(workload)
        layout, tower = workload.layout, workload.backbone.text
        start = int((layout.slots[0] >= 0).int().argmax())
        self.ids = layout.ids().to(tower.device)
        with torch.no_grad():
            embedded = tower.token_embedding(self.ids)
        self.prefix = embedded[:, :start].clone()
        self.suffix = embedded[:, start + layout.n_ctx :].clone()

    def forward(self, replicate: int, positions: Tensor) -> tuple[Tensor, Tensor]:
        selected = torch.zeros(len(positions), dtype=torch.bool)
        if len(positions):
            with torch.no_grad():
                before = self.correct(replicate, self.logits(replicate))
                for number, position in enumerate(positions.tolist()):
                    selected[number] = self.corrupted_correct(replicate, position) > before
        return self.logits(replicate), selected

    def logits(self, replicate: int, factors: Tensor | None = None) -> Tensor:
        images = self.workload.backbone.encode_image(self.workload.pixels[replicate])
        context = self.context[replicate] if factors is None else self.context[replicate] * factors[:, None]
        return self.scaled(images, self.texts(context))

    def texts(self, context: Tensor) -> Tensor:
        """Text features (C, E) of one context (M, D), all tokens of every class."""
        tower = self.workload.backbone.text
        vectors = context.to(tower.dtype).expand(len(self.ids), -1, -1)
        features = tower.encode(torch.cat([self.prefix, vectors, self.suffix], dim=1), self.ids)
        return F.normalize(features.to(context.dtype), dim=-1)
