"""Implementations of one training step, and what the two share that train replicates one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nemesis_sweep.bench.workload import EPOCH
from nemesis_sweep.nemesis.annealings.registry import annealing
from nemesis_sweep.nemesis.norms import pan, pun, vector_norms
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.schedule import learning_rate
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.layout import Layout


@dataclass(frozen=True)
class Outcome:
    """What a step did: loss (R,), gradient (R, n) of all that is learnt, penalised positions (R, M) bool."""

    loss: Tensor
    gradient: Tensor
    selected: Tensor


class Implementation(Protocol):
    """An implementation of training steps from the same start. values: what it learns, by name, (R, ...)."""

    values: dict[str, nn.Parameter]

    def step(self, positions: Tensor) -> Outcome:
        """One optimiser step in which PAN tests the positions (R, N)."""


class Batches(Protocol):
    """What is trained, and on what: `Workload`, whose batch stays, or a whole training, whose batches change.

    n_vectors: P, how many PUN and PAN tell apart. values: what to start from, by name, (R, ...).
    pixels: (R, B, 3, H, W), labels: (R, B): the next batch.
    """

    @property
    def method(self) -> Method: ...
    @property
    def backbone(self) -> Backbone: ...
    @property
    def layout(self) -> Layout: ...
    @property
    def n_vectors(self) -> int: ...
    @property
    def values(self) -> Mapping[str, Tensor]: ...
    @property
    def pixels(self) -> Tensor: ...
    @property
    def labels(self) -> Tensor: ...


class OneByOne(ABC):
    """R separate trainings, one after the other, with PUN and PAN as their paper (arXiv 2408.13979) has them.

    The weights are frozen and require no gradient; only what is learnt does.
    """

    def __init__(self, workload: Batches) -> None:
        method = workload.method
        self.workload = workload
        self.values = {name: nn.Parameter(value.clone()) for name, value in workload.values.items()}
        first = next(iter(self.values.values()))
        self.replicates = len(first)
        self.ones = torch.ones(workload.n_vectors, device=first.device)
        self.sgd = torch.optim.SGD(
            self.values.values(), lr=method.lr, momentum=method.momentum, weight_decay=method.weight_decay
        )
        self.begin(EPOCH)

    def begin(self, epoch: int) -> None:
        """Take the learning rate and the annealed strength of the penalty that an epoch (0-based) has."""
        method = self.workload.method
        for group in self.sgd.param_groups:
            group["lr"] = learning_rate(epoch, method.epochs, method.lr)
        self.strength = method.omega * annealing(dict(method))(epoch, method.epochs)

    @abstractmethod
    def logits(self, replicate: int, factors: Tensor | None = None) -> Tensor:
        """Logits (B, C) of a replicate's batch; factors: (P,), of its vectors."""

    @abstractmethod
    def forward(self, replicate: int, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, C) with gradients, and the positions (N,) bool that PAN selects among those given."""

    def step(self, positions: Tensor) -> Outcome:
        """One optimiser step in which PAN tests the positions (R, N)."""
        self.sgd.zero_grad()
        chosen = torch.zeros(self.replicates, len(self.ones), dtype=torch.bool, device=self.ones.device)
        losses = []
        for replicate, own in enumerate(positions):
            logits, selected = self.forward(replicate, own)
            chosen[replicate, own[selected]] = True
            penalty = self._penalty(replicate, chosen)
            loss = F.cross_entropy(logits, self.workload.labels[replicate]) + penalty + self.term(replicate)
            loss.backward()
            losses.append(loss.detach())
        self.sgd.step()
        return Outcome(torch.stack(losses), gradient_of(self.values), chosen)

    def own(self, replicate: int) -> dict[str, Tensor]:
        """The tensors of a replicate."""
        return {name: value[replicate] for name, value in self.values.items()}

    @property
    def context(self) -> Tensor:
        """The context vectors (R, ..., M, D), of kinds that learn them."""
        return self.values["context"]

    @property
    def vectors(self) -> Tensor:
        """Those that are penalised, (R, ..., P, D)."""
        return self.values["context"]

    @property
    def reduction(self) -> str:
        """How the norms of several vectors of one position become one."""
        return "mean"

    def term(self, replicate: int) -> Tensor | float:
        """A method's own term of the loss."""
        return 0.0

    def _penalty(self, replicate: int, chosen: Tensor) -> Tensor:
        """`Omega(e) [beta PUN + (1 - beta) PAN]` of a replicate. chosen: PAN's positions, (R, P) bool."""
        own, beta = slice(replicate, replicate + 1), self.workload.method.beta
        norms = vector_norms(self.vectors[own], reduction=self.reduction)
        return self.strength * (beta * pun(norms, 1.0) + (1 - beta) * pan(norms, 1.0, chosen[own]))[0]

    def correct(self, replicate: int, logits: Tensor) -> int:
        """How many of the batch are classified correctly."""
        return int((logits.argmax(dim=1) == self.workload.labels[replicate]).sum())

    def corrupted_correct(self, replicate: int, position: int) -> int:
        """The same with one context vector scaled down."""
        factors = self.ones.clone()
        factors[position] = self.workload.method.corruption
        return self.correct(replicate, self.logits(replicate, factors))

    def scaled(self, images: Tensor, texts: Tensor) -> Tensor:
        """Logits (B, C) of normalised features (B, E) and (C, E)."""
        backbone = self.workload.backbone
        logits = backbone.logit_scale * images @ texts.T
        return logits if backbone.logit_bias is None else logits + backbone.logit_bias


def gradient_of(values: Mapping[str, nn.Parameter]) -> Tensor:
    """Gradients of all that is learnt, side by side, (R, n)."""
    return torch.cat([value.grad.flatten(1) for value in values.values() if value.grad is not None], dim=1)
