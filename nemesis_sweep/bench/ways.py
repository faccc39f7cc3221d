"""Ways of making one training step, and what the two share that train replicates one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nemesis_sweep.bench.work import EPOCH, Work
from nemesis_sweep.nemesis.annealing import annealing
from nemesis_sweep.nemesis.norms import pan, vector_norms
from nemesis_sweep.training.schedule import learning_rate


@dataclass(frozen=True)
class Outcome:
    """What a step did: loss (R,), gradient (R, M, D) of the summed loss, penalised positions (R, M) bool."""

    loss: Tensor
    gradient: Tensor
    selected: Tensor


class Way(Protocol):
    """One way of making training steps from the same start."""

    context: nn.Parameter

    def step(self, positions: Tensor) -> Outcome:
        """One optimiser step in which PAN tests the positions (R, N)."""


class OneByOne(ABC):
    """R separate trainings, one after the other: CoOp with PAN as the paper (arXiv 2408.13979) describes it.

    The weights are frozen and require no gradient; only the context does.
    """

    def __init__(self, work: Work) -> None:
        method = work.method
        self.work = work
        self.context = nn.Parameter(work.context.clone())
        lr = learning_rate(EPOCH, method.epochs, method.lr)
        self.sgd = torch.optim.SGD(
            [self.context], lr=lr, momentum=method.momentum, weight_decay=method.weight_decay
        )
        self.strength = method.omega * annealing(method.anneal)(EPOCH, method.epochs)

    @abstractmethod
    def logits(self, replicate: int, context: Tensor) -> Tensor:
        """Logits (B, C) of a replicate's batch under a context (M, D)."""

    @abstractmethod
    def forward(self, replicate: int, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, C) with gradients, and the positions (N,) bool that PAN selects among those given."""

    def step(self, positions: Tensor) -> Outcome:
        """One optimiser step in which PAN tests the positions (R, N)."""
        self.sgd.zero_grad()
        chosen = torch.zeros(self.context.shape[:2], dtype=torch.bool)
        losses = []
        for replicate, own in enumerate(positions):
            logits, selected = self.forward(replicate, own)
            chosen[replicate, own[selected]] = True
            norms = vector_norms(self.context[replicate : replicate + 1])
            penalty = self.strength * pan(norms, 1.0, chosen[replicate : replicate + 1])[0]
            loss = F.cross_entropy(logits, self.work.labels[replicate]) + penalty
            loss.backward()
            losses.append(loss.detach())
        self.sgd.step()
        assert self.context.grad is not None
        return Outcome(torch.stack(losses), self.context.grad, chosen)

    def correct(self, replicate: int, logits: Tensor) -> int:
        """How many of the batch are classified correctly."""
        return int((logits.argmax(dim=1) == self.work.labels[replicate]).sum())

    def corrupted_correct(self, replicate: int, position: int) -> int:
        """The same with one context vector scaled down."""
        context = self.context[replicate].clone()
        context[position] *= self.work.method.corruption
        return self.correct(replicate, self.logits(replicate, context))

    def scaled(self, images: Tensor, texts: Tensor) -> Tensor:
        """Logits (B, C) of normalised features (B, E) and (C, E)."""
        backbone = self.work.backbone
        logits = backbone.logit_scale * images @ texts.T
        return logits if backbone.logit_bias is None else logits + backbone.logit_bias
