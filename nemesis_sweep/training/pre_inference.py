"""PAN's look before each step: which vectors, of those that are drawn, a corruption would help."""

from __future__ import annotations

import torch
from torch import Tensor

from nemesis_sweep.nemesis.selection import draw_positions, position_mask, selection
from nemesis_sweep.prompts.learner import ImageClassifier, Learner
from nemesis_sweep.spec.choices import REPLACE, SELECTIONS
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.generators import Generators
from nemesis_sweep.training.right import right
from nemesis_sweep.vlm.devices import to_device


class PreInference:
    """The pre-inference of Nemesis (arXiv 2408.13979): it selects the positions that PAN penalises in a step.

    is_used: whether steps select positions at all. corrupts: whether it looks at corrupted prompts, which the
    control of randomly chosen positions does not.
    """

    def __init__(self, method: Method, generators: Generators) -> None:
        self.method = method
        self.is_used = method.beta != 1 and method.omega != 0
        self.corrupts = self.is_used and SELECTIONS[method.selection].corrupts
        self._generators = generators
        self._selection = selection(method.selection)

    @torch.no_grad()
    def __call__(
        self,
        learner: Learner,
        classifier: ImageClassifier,
        images: Tensor,
        labels: Tensor,
        correct: Tensor,
        positions: Tensor | None,
    ) -> Tensor:
        """The positions to penalise in this step, ``(R, P)`` bool.

        images, labels: the batch of every replicate; correct: ``(R,)``, how many of it the prompts as they
        are have right. positions: ``(R, N)`` on the CPU, drawn where it is None.
        """
        n_vectors, device = learner.n_vectors, labels.device
        if not self.is_used:
            return torch.zeros(len(labels), n_vectors, dtype=torch.bool, device=device)
        if positions is None:
            positions = draw_positions(n_vectors, self.method.n_positions, self._generators["positions"])
        classifier.first = learner.first_place(positions)
        there = to_device(positions, device, torch.int64)
        corrupted_correct = correct[:, None].expand(there.shape)
        if self.corrupts:
            if self.method.corrupt_by == REPLACE:
                noise = to_device(self._noise(learner, positions), device)
                logits = classifier.replaced(images, there, noise)
            else:
                scales = torch.full(there.shape, self.method.corruption, device=device)
                logits = classifier.rescaled(images, there, scales)
            corrupted_correct = right(logits, labels[:, None]).sum(dim=-1)
        return position_mask(there, self._selection(correct, corrupted_correct), n_vectors)

    def _noise(self, learner: Learner, positions: Tensor) -> Tensor:
        """What takes the place of the vectors at positions ``(R, N)`` on the CPU: N(0, corruption^2)."""
        _, *between, _, width = learner.penalised().shape
        shape = (positions.shape[1], *between, width)
        drawn = torch.stack([torch.randn(shape, generator=each) for each in self._generators["noise"]])
        return learner.as_vectors(self.method.corruption * drawn, positions)
