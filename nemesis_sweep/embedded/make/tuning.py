"""Teach the text tower to be tuned by its prompt: a few steps of CoOp inside a step of pretraining.

A tower that was only shown captions hardly heeds what stands before the subject: CoOp then fits its own
training pictures no better than zero-shot does.  So some steps take a task, tune random vectors on its
support pictures as CoOp does, and lower the loss of the tuned prompt on the query pictures, through the
tuning (Zintgraf et al., "Fast Context Adaptation via Meta-Learning", 2019).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from nemesis_sweep.embedded.make.tasks import IGNORED

SCALE = 10.0  # of the logits of a prompt that is tuned
STEPS = 3
# Sum of learning rates: at 0.002 and momentum 0.9 CoOp's 50 epochs come to 7.5 with 16 shots of 30 classes,
# to 1.5 with 4, to 0.5 with 1.
LENGTHS = (1.5, 4.0, 7.5)
ON_THE_WAY = 0.25  # weight of the query loss before each inner step


@dataclass(frozen=True)
class Tuned:
    """Query loss (a scalar with gradients), and query accuracy before and after tuning."""

    loss: Tensor
    before: float
    after: float


def tune(
    encode: Callable[[Tensor], Tensor],
    vectors: Tensor,
    images: Tensor,
    labels: Tensor,
    query: Tensor,
    length: float,
) -> Tuned:
    """Tune ``vectors`` (M, D), of which ``encode`` makes text features (C, E), on image features (B, E)
    with labels (B,), and judge them where ``query`` (B,)."""
    support = ~query & (labels != IGNORED)
    context = vectors.requires_grad_()
    loss = torch.zeros(())
    # Only this attention has second derivatives.
    with sdpa_kernel(SDPBackend.MATH):
        for step in range(STEPS + 1):
            logits = SCALE * images @ encode(context).T
            judged = F.cross_entropy(logits[query], labels[query])
            accuracy = (logits[query].argmax(1) == labels[query]).float().mean().item()
            if step == 0:
                before = accuracy
            if step == STEPS:
                break
            loss = loss + ON_THE_WAY * judged
            learnt = F.cross_entropy(logits[support], labels[support])
            (gradient,) = torch.autograd.grad(learnt, context, create_graph=True)
            context = context - length / STEPS * gradient
    return Tuned(loss + judged, before, accuracy)
