"""Ways of making one training step, and what the two share that train replicates one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
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
    """What a step did: loss (R,), gradient (R, n) of all that is learnt, penalised positions (R, M) bool."""

    loss: Tensor
    gradient: Tensor
    selected: Tensor


class Way(Protocol):
    """One way of making training steps from the same start. values: what it learns, by name, (R, ...)."""

    values: dict[str, nn.Parameter]

    def step(self, positions: Tensor) -> Outcome:
        """One optimiser step in which PAN tests the positions (R, N)."""


class OneByOne(ABC):
    """R separate trainings, one after the other, with PAN as the paper (arXiv 2408.13979) describes it.

    The weights are frozen and require no gradient; only what is learnt does.
    """

    def __init__(self, work: Work) -> None:
        method = work.method
        self.work = work
        self.values = {name: nn.Parameter(value.clone()) for name, value in work.values.items()}
        self.context = self.values["context"]
        self.ones = torch.ones(work.layout.n_ctx)
        lr = learning_rate(EPOCH, method.epochs, method.lr)
        self.sgd = torch.optim.SGD(
            self.values.values(), lr=lr, momentum=method.momentum, weight_decay=method.weight_decay
        )
        self.strength = method.omega * annealing(method.anneal)(EPOCH, method.epochs)

    @abstractmethod
    def logits(self, replicate: int, factors: Tensor | None = None) -> Tensor:
        """Logits (B, C) of a replicate's batch; factors: (M,), of its context vectors."""

    @abstractmethod
    def forward(self, replicate: int, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, C) with gradients, and the positions (N,) bool that PAN selects among those given."""

    def step(self, positions: Tensor) -> Outcome:
        """One optimiser step in which PAN tests the positions (R, N)."""
        self.sgd.zero_grad()
        chosen = torch.zeros(len(self.context), len(self.ones), dtype=torch.bool)
        losses = []
        for replicate, own in enumerate(positions):
            logits, selected = self.forward(replicate, own)
            chosen[replicate, own[selected]] = True
            norms = vector_norms(self.context[replicate : replicate + 1])
            penalty = self.strength * pan(norms, 1.0, chosen[replicate : replicate + 1])[0]
            loss = F.cross_entropy(logits, self.work.labels[replicate]) + penalty + self.term(replicate)
            loss.backward()
            losses.append(loss.detach())
        self.sgd.step()
        return Outcome(torch.stack(losses), gradient_of(self.values), chosen)

    def own(self, replicate: int) -> dict[str, Tensor]:
        """The tensors of a replicate."""
        return {name: value[replicate] for name, value in self.values.items()}

    def term(self, replicate: int) -> Tensor | float:
        """A method's own term of the loss."""
        return 0.0

    def correct(self, replicate: int, logits: Tensor) -> int:
        """How many of the batch are classified correctly."""
        return int((logits.argmax(dim=1) == self.work.labels[replicate]).sum())

    def corrupted_correct(self, replicate: int, position: int) -> int:
        """The same with one context vector scaled down."""
        factors = self.ones.clone()
        factors[position] = self.work.method.corruption
        return self.correct(replicate, self.logits(replicate, factors))

    def scaled(self, images: Tensor, texts: Tensor) -> Tensor:
        """Logits (B, C) of normalised features (B, E) and (C, E)."""
        backbone = self.work.backbone
        logits = backbone.logit_scale * images @ texts.T
        return logits if backbone.logit_bias is None else logits + backbone.logit_bias


def gradient_of(values: Mapping[str, nn.Parameter]) -> Tensor:
    """Gradients of all that is learnt, side by side, (R, n)."""
    return torch.cat([value.grad.flatten(1) for value in values.values() if value.grad is not None], dim=1)
