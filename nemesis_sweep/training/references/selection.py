"""Which of several settings is the best on the validation images, for every replicate by itself."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def scores(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Accuracy in percent and mean cross-entropy ``(S, R)``, float64, of logits ``(S, R, m, C)``.

    labels: ``(R, m)``. Where the loss is not finite the accuracy is -1 and the loss infinite, so that such a
    setting is never the best one.
    """
    wanted = labels.expand(logits.shape[:-1])
    accuracy = 100 * (logits.argmax(dim=-1) == wanted).double().mean(dim=-1)
    losses = F.cross_entropy(logits.flatten(0, 2).double(), wanted.flatten(), reduction="none")
    loss = losses.view(wanted.shape).mean(dim=-1)
    whole = loss.isfinite()
    return accuracy.where(whole, -1.0), loss.where(whole, math.inf)


def better(accuracy: Tensor, loss: Tensor, best: tuple[Tensor, Tensor]) -> Tensor:
    """Whether each is better than the best so far: a higher accuracy, or the same and a lower loss."""
    return (accuracy > best[0]) | ((accuracy == best[0]) & (loss < best[1]))


def best_of(accuracy: Tensor, loss: Tensor) -> Tensor:
    """The best setting of each replicate, ``(R,)``, of scores ``(S, R)``; of equally good ones the first."""
    highest = accuracy == accuracy.max(dim=0).values
    return loss.masked_fill(~highest, math.inf).argmin(dim=0)


def of_each(values: Tensor, chosen: Tensor) -> Tensor:
    """Of values ``(S, R, ...)`` those of the chosen setting of each replicate, ``(R, ...)``."""
    return values[chosen, torch.arange(len(chosen), device=chosen.device)]
