"""Corruption of a learnt prompt, one vector at a time: the experiment behind the Low-Norm Effect.

Fu et al., "Nemesis" (ICLR 2024): every position in turn is corrupted with every strength, and the corrupted
prompt is tested. RESCALE multiplies the vector by the strength; REPLACE puts a vector drawn from
N(0, strength^2) in its place; the noise of a position is the same for every strength, up to its size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nemesis_sweep.data.meter import Meter, SayLine
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.nemesis.norms import vector_norms
from nemesis_sweep.prompts.artifact import Prompt
from nemesis_sweep.prompts.learner import ImageClassifier, Learner
from nemesis_sweep.spec.choices import RESCALE
from nemesis_sweep.spec.outside.methods import read_method
from nemesis_sweep.training.classifier import Learnt, learner_at_work, refuse_other_replicates
from nemesis_sweep.training.corrupted import Corrupted
from nemesis_sweep.training.failed_seeds import refuse_failed
from nemesis_sweep.training.generators import seeded
from nemesis_sweep.training.right import right
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.devices import to_device

NUMBERS = 2**25
"""Logits that stand in memory at a time."""
TEXTS, TEXTS_ON_CPU, MOST = 2**13, 2**11, 64
"""Class texts whose features are computed at a time, fewer where they are to stay in a CPU's caches; and
variants of a prompt."""


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
    positions: Sequence[int] = (),
    report: SayLine | None = None,
) -> Corrupted:
    """Corrupt vectors of a prompt with every strength, each alone.

    images: features ``(R, n, ...)`` or, the same for all replicates, ``(n, ...)``; labels accordingly, on any
    device. positions: of the vectors, from 1; all of them where there are none. report: called with lines of
    progress where it takes long. Raises ``UserError`` for positions that the prompt does not have, for a
    kind of prompt that cannot be corrupted so, and for seeds whose training failed. A GPU is waited for at
    the end only.
    """
    replicates, chosen = len(seeds), _positions(learner, positions)
    classifier = learner.classifier(variants=True)
    places = to_device(torch.tensor(chosen), classifier.device)
    tested = _Tested.on(classifier, images, labels, len(learner.classnames))
    factors = torch.tensor(strengths, dtype=torch.float32)
    vectors = learner.penalised()
    norms = vector_norms(vectors).index_select(1, places)
    if operation == RESCALE:
        by = factors.repeat(len(chosen)).expand(replicates, -1)
        sizes = norms
    else:
        drawn = [torch.randn(vectors.shape[1:], generator=seeded(seed, "corruption")) for seed in seeds]
        numbers = torch.stack(drawn).movedim(-2, 1)[:, chosen]
        noise = learner.as_vectors(numbers, torch.tensor(chosen).expand(replicates, -1))
        sizes = to_device(vector_norms(noise.movedim(1, -2)), classifier.device)
        by = torch.stack([factor * noise for factor in strengths], dim=2).flatten(1, 2)  # (R, P * S, ..., D)
    by = to_device(by, classifier.device)
    before = torch.cat([right(classifier(own), truth) for own, truth in tested.parts()], dim=1)
    changed = _of_variants(learner, classifier, tested, chosen, by, len(factors), report)
    known = torch.cat([each.flatten().float() for each in (norms, sizes)])
    bits = torch.cat([before.flatten(), changed.flatten()])
    bits, known = bits.cpu(), known.cpu()
    own, new = (each.unflatten(0, (replicates, len(chosen))) for each in known.chunk(2))
    refuse_failed(seeds, own.isfinite().flatten(1).all(dim=1).tolist())
    was, now = bits.split([before.numel(), changed.numel()])
    return Corrupted(
        operation,
        tuple(strengths),
        tuple(each + 1 for each in chosen),
        tuple(seeds),
        was.view(before.shape).numpy(),
        now.view(changed.shape).numpy(),
        own.numpy(),
        (new[:, :, None] * factors.abs()).numpy(),
    )


def _positions(learner: Learner, given: Sequence[int]) -> list[int]:
    """The positions from 0. Raises ``UserError``."""
    there = learner.n_vectors
    beyond = [each for each in given if not 1 <= each <= there]
    if beyond:
        allowed = f"1 to {there}, the vectors of the prompt"
        raise UserError(Problem("no such position", key="positions", found=str(beyond[0]), allowed=allowed))
    return [each - 1 for each in sorted(set(given))] or list(range(there))


@dataclass(frozen=True)
class _Tested:
    """Images ``(R, n, ...)`` or ``(n, ...)`` and labels accordingly, ``step`` of them at a time."""

    images: Tensor
    labels: Tensor
    replicates: int
    device: torch.device
    step: int

    @classmethod
    def on(cls, classifier: ImageClassifier, images: Tensor, labels: Tensor, classes: int) -> _Tested:
        """What a classifier is given; features that are few are brought to its device at once."""
        if images.numel() <= NUMBERS:
            images, labels = (to_device(each, classifier.device) for each in (images, labels))
        fit = NUMBERS // (classifier.replicates * classes)
        step = max(1, min(classifier.chunk, labels.shape[-1], fit))
        return cls(images, labels, classifier.replicates, classifier.device, step)

    def parts(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Images ``(R, B, ...)`` and labels ``(R, B)`` on the device."""
        shared = self.labels.dim() == 1
        for at in range(0, self.labels.shape[-1], self.step):
            some = slice(at, at + self.step)
            own, truth = (
                to_device(each[some] if shared else each[:, some], self.device)
                for each in (self.images, self.labels)
            )
            if shared:
                own, truth = (each.expand(self.replicates, *each.shape) for each in (own, truth))
            yield own, truth


def _of_variants(
    learner: Learner,
    classifier: ImageClassifier,
    tested: _Tested,
    chosen: Sequence[int],
    by: Tensor,
    strengths: int,
    report: SayLine | None,
) -> Tensor:
    """Right ``(R, P, S, n)`` of PAN's own variants: by: factors ``(R, P * S)``, or vectors.

    The variants of a few positions go together, so that what stands before the first of them is not computed
    again.
    """
    replicates, classes = tested.replicates, len(learner.classnames)
    # On the CPU: which rows are computed depends on them.
    positions = torch.tensor(chosen).repeat_interleave(strengths).expand(replicates, -1)
    texts = TEXTS_ON_CPU if classifier.device.type == "cpu" else TEXTS
    fit = NUMBERS // (replicates * classes * tested.step), texts // (replicates * classes)
    together = max(1, min(MOST, *fit))
    meter = Meter(positions.shape[1], "corrupting", report, unit="variant", begins=False)
    found: list[Tensor] = []
    for at in range(0, positions.shape[1], together):
        own = positions[:, at : at + together].contiguous()
        classifier.first = learner.first_place(own)
        there, change = to_device(own, classifier.device), by[:, at : at + together]
        changed = classifier.rescaled if by.ndim == 2 else classifier.replaced
        parts = [right(changed(images, there, change), labels[:, None]) for images, labels in tested.parts()]
        found.append(torch.cat(parts, dim=-1))
        meter.add(own.shape[1])
    return torch.cat(found, dim=1).unflatten(1, (len(chosen), strengths))
