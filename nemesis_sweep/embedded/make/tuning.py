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

SCALE = 10.0  # of the logits of a prompt that is tuned
# Learning rates of one step, so large that three of them are a good part of CoOp's way: at 0.002 and momentum
# 0.9 its 50 epochs come to 7.5 with 16 shots of 30 classes, to 1.5 with 4.
FIRST_RATE, RATE = 0.4, 0.5
STEPS = 3  # that are learnt through
FIRST_STEPS = (0, 3, 10)  # before them, that are not


@dataclass(frozen=True)
class Tuned:
    """Query loss (a scalar with gradients), and query accuracy before and after tuning."""

    loss: Tensor
    before: float
    after: float


def tune(
    encode: Callable[[Tensor], Tensor],
    vectors: Tensor,
    support: tuple[Tensor, Tensor],
    query: tuple[Tensor, Tensor],
    first_steps: int,
) -> Tuned:
    """Tune ``vectors`` (M, D), of which ``encode`` makes text features (C, E), and judge them.

    ``support`` and ``query``: image features (S, E) and (B, E), and labels.
    """

    def slope(context: Tensor, texts: Tensor, through: bool) -> Tensor:
        learnt = F.cross_entropy(SCALE * support[0] @ texts.T, support[1])
        return torch.autograd.grad(learnt, context, create_graph=through)[0]

    def judge(texts: Tensor) -> tuple[Tensor, float]:
        logits = SCALE * query[0] @ texts.T
        return F.cross_entropy(logits, query[1]), (logits.argmax(1) == query[1]).float().mean().item()

    context = vectors.requires_grad_()
    with torch.no_grad():
        before = judge(encode(context))[1]
    for _ in range(first_steps):
        context = (context - FIRST_RATE * slope(context, encode(context), False)).detach().requires_grad_()
    # Only this attention has second derivatives.
    with sdpa_kernel(SDPBackend.MATH):
        for _ in range(STEPS):
            context = context - RATE * slope(context, encode(context), True)
        judged, after = judge(encode(context))
    return Tuned(judged, before, after)
