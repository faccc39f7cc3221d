"""Corruption of a learnt prompt, one vector at a time: the experiment behind the Low-Norm Effect.

Fu et al., "Nemesis" (ICLR 2024): every position in turn is corrupted with every strength, and the corrupted
prompt is tested. RESCALE multiplies the vector by the strength; REPLACE puts a vector drawn from
N(0, strength^2) in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.nemesis.norms import vector_norms
from nemesis_sweep.prompts.artifact import Prompt
from nemesis_sweep.prompts.learner import ImageClassifier, Learner
from nemesis_sweep.spec.choices import CORRUPTIONS
from nemesis_sweep.spec.outside.methods import read_method
from nemesis_sweep.training.classifier import Learnt, learner_at_work, refuse_other_replicates
from nemesis_sweep.training.generators import seeded
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.devices import to_device

RESCALE, REPLACE = CORRUPTIONS
NUMBERS = 2**25
"""Logits that stand in memory at a time."""
TOGETHER = 64
"""Prompts whose text features are computed at a time."""


@dataclass(frozen=True)
class Corrupted:
    """What a prompt of R replicates and P vectors has right when one vector is corrupted.

    before: ``(R, n)`` bool, of the prompt as it was learnt. right: ``(R, P, S, n)`` bool, corrupted with each
    of the S strengths. norms: 2-norms ``(R, P)`` as learnt, after: ``(R, P, S)`` of the corrupted vector.
    """

    operation: str
    strengths: tuple[float, ...]
    seeds: tuple[int, ...]
    before: Tensor
    right: Tensor
    norms: Tensor
    after: Tensor


def learner_of_prompt(prompt: Learnt, backbone: Backbone) -> Learner:
    """A saved prompt as it is trained, with all its replicates. backbone: the one that it was learnt on.

    Raises ``UserError`` for a reference, which has no vectors, and for tensors of other shapes than its
    method's.
    """
    if not isinstance(prompt, Prompt):
        allowed = "a prompt with vectors, such as coop"
        raise UserError(
            Problem("no vectors were learnt that could be corrupted", found=prompt.kind, allowed=allowed)
        )
    refuse_other_replicates(prompt)
    own = backbone.to(precision=read_method(prompt.method).precision)
    return learner_at_work(prompt, own, prompt.classnames, prompt.tensors)


@torch.no_grad()
def corrupt(
    learner: Learner,
    seeds: Sequence[int],
    images: Tensor,
    labels: Tensor,
    operation: str,
    strengths: Sequence[float],
) -> Corrupted:
    """Corrupt every vector of a prompt with every strength.

    images: features ``(R, n, ...)`` or, the same for all replicates, ``(n, ...)``; labels accordingly, on any
    device. Raises ``UserError`` for a kind of prompt that cannot be corrupted so.
    """
    replicates = len(seeds)
    if labels.dim() == 1:
        images, labels = (each.expand(replicates, *each.shape) for each in (images, labels))
    classifier = learner.classifier(variants=operation == RESCALE)
    images, labels = (to_device(each, classifier.device) for each in (images, labels))
    before = _right(learner, classifier, images, labels)
    norms = vector_norms(learner.penalised())
    factors = torch.tensor(strengths, dtype=torch.float32, device=classifier.device)
    if operation == RESCALE:
        right = _rescaled(learner, classifier, images, labels, factors)
        after = norms[:, :, None] * factors.abs()
    else:
        right, after = _replaced(learner, images, labels, seeds, factors)
    return Corrupted(operation, tuple(strengths), tuple(seeds), before, right, norms, after)


def _images_at_once(learner: Learner, classifier: ImageClassifier, count: int) -> int:
    """How many of so many images a classifier is given at a time."""
    logits = classifier.replicates * len(learner.classnames)
    return max(1, min(classifier.chunk, count, NUMBERS // logits))


def _right(learner: Learner, classifier: ImageClassifier, images: Tensor, labels: Tensor) -> Tensor:
    """Which images ``(R, n)`` a classifier of a learner has right."""
    step = _images_at_once(learner, classifier, labels.shape[1])
    parts = [
        classifier(images[:, at : at + step]).argmax(dim=-1) == labels[:, at : at + step]
        for at in range(0, images.shape[1], step)
    ]
    return torch.cat(parts, dim=1)


def _rescaled(
    learner: Learner, classifier: ImageClassifier, images: Tensor, labels: Tensor, factors: Tensor
) -> Tensor:
    """By PAN's own variants of the prompts, ``(R, P, S, n)``."""
    (replicates, count), vectors = labels.shape, learner.n_vectors
    step = _images_at_once(learner, classifier, count)
    # On the CPU: which rows are computed depends on them.
    positions = torch.arange(vectors).repeat_interleave(len(factors))
    scales = factors.repeat(vectors)
    together = max(1, min(TOGETHER, NUMBERS // (replicates * len(learner.classnames) * step)))
    found: list[Tensor] = []
    for at in range(0, len(positions), together):
        own, by = (each[at : at + together].expand(replicates, -1) for each in (positions, scales))
        classifier.first = learner.first_place(own)
        own = to_device(own, classifier.device)
        parts = []
        for start in range(0, count, step):
            some = slice(start, start + step)
            logits = classifier.rescaled(images[:, some], own, by)
            parts.append(logits.argmax(dim=-1) == labels[:, None, some])
        found.append(torch.cat(parts, dim=-1))
    return torch.cat(found, dim=1).unflatten(1, (vectors, len(factors)))


def _replaced(
    learner: Learner, images: Tensor, labels: Tensor, seeds: Sequence[int], factors: Tensor
) -> tuple[Tensor, Tensor]:
    """By prompts with another vector, as further replicates: right ``(R, P, S, n)``, norms ``(R, P, S)``.

    The noise of a position is the same for every strength, up to its size.
    """
    values = learner.values()
    context = values.get("context")
    if context is None or context.shape[-2] != learner.n_vectors:
        kind = learner.method.prompt
        message = f"{kind} has vectors that do not stand among the words, so they cannot be replaced"
        raise UserError(Problem(message, key="--operation", found=REPLACE, allowed=RESCALE))
    noise = torch.stack(
        [torch.randn(context.shape[1:], generator=seeded(seed, "corruption")) for seed in seeds]
    )
    right, after = [], []
    for position in range(context.shape[-2]):
        own = context.repeat_interleave(len(factors), 0)
        drawn = noise[..., position, :].repeat_interleave(len(factors), 0).to(context)
        sizes = factors.repeat(len(seeds)).to(context)
        own[..., position, :] = drawn * sizes.view(-1, *[1] * (drawn.dim() - 1))
        right.append(_of_replicates(learner, {**values, "context": own}, images, labels, len(factors)))
        norms = vector_norms(own)[:, position]
        after.append(norms.unflatten(0, (len(seeds), -1)))
    return torch.stack(right, dim=1), torch.stack(after, dim=1)


def _of_replicates(
    learner: Learner, values: dict[str, Tensor], images: Tensor, labels: Tensor, each: int
) -> Tensor:
    """Right ``(R, S, n)`` of R times ``each`` prompts. values: their tensors; those of R are repeated."""
    total = len(labels) * each
    full = {
        name: value if len(value) == total else value.repeat_interleave(each, 0)
        for name, value in values.items()
    }
    own = type(learner)(learner.backbone, learner.method, learner.classnames, full, learner.template)
    seen = (part.repeat_interleave(each, 0) for part in (images, labels))
    return _right(own, own.classifier(), *seen).unflatten(0, (len(labels), each))
