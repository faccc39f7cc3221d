"""Accuracy and loss of text features on image features."""

import torch
import torch.nn.functional as F
from torch import Tensor

from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.vlm.backbone import Backbone

CHUNK = 8192
"""Images at a time, so that the logits of a large test set never stand in memory all at once."""


def class_logits(images: Tensor, texts: Tensor, backbone: Backbone) -> Tensor:
    """``exp(logit_scale) cos + logit_bias``: images ``(R, B, E)``, texts ``(R, C, E)`` -> ``(R, B, C)``."""
    logits = backbone.logit_scale * (images @ texts.transpose(-1, -2))
    return logits if backbone.logit_bias is None else logits + backbone.logit_bias


@torch.no_grad()
def evaluate(images: Tensor, labels: Tensor, texts: Tensor, backbone: Backbone) -> tuple[Tensor, Tensor]:
    """Accuracy in percent and mean cross-entropy of every replicate, ``(R,)`` each.

    images: ``(R, n, E)``, or ``(n, E)`` when all replicates share them; labels accordingly, on any device.
    texts: ``(R, C, E)``. Raises ``UserError`` when there are no images, or when shapes do not fit.
    """
    _check(images, labels, texts)
    replicates = texts.shape[0]
    if images.dim() == 2:
        images = images.expand(replicates, *images.shape)
        labels = labels.expand(replicates, *labels.shape)
    correct = torch.zeros(replicates, dtype=torch.float64, device=texts.device)
    loss = torch.zeros_like(correct)
    for start in range(0, images.shape[1], CHUNK):
        logits = class_logits(images[:, start : start + CHUNK].to(texts.device), texts, backbone)
        targets = labels[:, start : start + CHUNK].to(texts.device)
        correct += (logits.argmax(dim=-1) == targets).sum(dim=1).double()
        losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        loss += losses.view(targets.shape).sum(dim=1).double()
    count = images.shape[1]
    return 100 * correct / count, loss / count


def _check(images: Tensor, labels: Tensor, texts: Tensor) -> None:
    fits = images.ndim in (2, 3) and labels.shape == images.shape[:-1] and images.shape[-2] > 0
    fits = fits and texts.ndim == 3 and images.shape[-1] == texts.shape[-1]
    if fits and (images.ndim == 2 or len(images) == len(texts)):
        return
    found = f"images {tuple(images.shape)}, labels {tuple(labels.shape)}, texts {tuple(texts.shape)}"
    allowed = "images (n, E) or (R, n, E) with n at least 1, labels (n,) or (R, n), texts (R, C, E)"
    raise UserError(Problem("cannot evaluate these shapes", found=found, allowed=allowed))
