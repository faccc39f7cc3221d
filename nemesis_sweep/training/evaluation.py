"""Accuracy and loss of a classifier on image features."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from nemesis_sweep.data.meter import Meter, SayLine
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.training.checks import check_device
from nemesis_sweep.vlm.devices import to_device

Keep = Callable[[Tensor], None]
"""Gets the predicted class of every image, ``(R, n)`` int32, on the CPU."""


@torch.no_grad()
def evaluate(
    images: Tensor,
    labels: Tensor,
    classifier: ImageClassifier,
    report: SayLine | None = None,
    keep: Keep | None = None,
) -> tuple[Tensor, Tensor]:
    """Accuracy in percent and mean cross-entropy of every replicate, ``(R,)`` each.

    images: ``(R, n, E)``, or ``(n, E)`` when all replicates share them, with ``(Q, E)`` in place of ``E`` for
    classifiers that read the parts of an image; labels accordingly, on any device. Taken so many at a time
    that the logits of a large test set never stand in memory all at once. report: called with lines of
    progress where that takes several turns. keep: given what was predicted, once, at the end.
    Raises ``UserError`` when there are no images, or when shapes do not fit.
    """
    _check(images, labels, classifier)
    replicates, device = classifier.replicates, classifier.device
    check_device(device)
    correct = torch.zeros(replicates, dtype=torch.float64, device=device)
    loss = torch.zeros_like(correct)
    predicted: list[Tensor] = []
    shared = labels.dim() == 1
    count = labels.shape[-1]
    turns = range(0, count, classifier.chunk)
    told = report if len(turns) > 1 else None
    meter = Meter(count, f"evaluating {counted(count, 'image')}", told, unit="image")
    for start in turns:
        some = slice(start, start + classifier.chunk)
        own, targets = (
            to_device(each[some] if shared else each[:, some], device) for each in (images, labels)
        )
        if shared:
            # After the copy, which would be one for each replicate otherwise.
            own, targets = own.expand(replicates, *own.shape), targets.expand(replicates, *targets.shape)
        logits = classifier(own)
        found = logits.argmax(dim=-1)
        correct += (found == targets).sum(dim=1).double()
        if keep:
            predicted.append(found.to(torch.int32))
        losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        loss += losses.view(targets.shape).sum(dim=1).double()
        meter.add(targets.shape[1])
    if keep:
        keep(torch.cat(predicted, dim=1).cpu())
    return 100 * correct / count, loss / count


def _check(images: Tensor, labels: Tensor, classifier: ImageClassifier) -> None:
    own, shape = classifier.image_shape, tuple(images.shape)
    leading = shape[: len(shape) - len(own)]
    fits = shape[len(leading) :] == own and leading == tuple(labels.shape) and leading[-1:] > (0,)
    if fits and (len(leading) == 1 or (len(leading) == 2 and leading[0] == classifier.replicates)):
        return
    found = f"images {shape}, labels {tuple(labels.shape)}"
    axes = ", ".join(str(size) for size in own)
    allowed = f"images (n, {axes}) or (R, n, {axes}) with R = {classifier.replicates} and n at least 1, "
    allowed += "labels (n,) or (R, n)"
    raise UserError(Problem("cannot evaluate these shapes", found=found, allowed=allowed))
