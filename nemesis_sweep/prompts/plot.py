"""PLOT: several prompts a class, matched with the parts of an image by transport (Chen et al., 2023)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.prompts.context import ContextLearner, encode, encode_with_states, random_context
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.prompts.transport import transport
from nemesis_sweep.spec.method import Method
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.variants import encode_variants

REFERENCE_TEST_BATCH = 100
"""Images of a test batch in the published code, on which its stop rule depends."""

SAMPLE, LOOSE = 4, 0.05
"""Images on which the number of rounds is checked, and the change of a logit that is told."""


class PLOT(ContextLearner):
    """N contexts ``(R, N, M, D)`` shared by all classes, or ``(R, N, C, M, D)`` with ``csc``."""

    reads = "patches"

    @classmethod
    def start(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """N(0, 0.02^2): given words would make all prompts of a class the same, for ever."""
        classes = (len(classnames),) if method.csc else ()
        shape = (method.n_prompts, *classes, method.n_ctx, backbone.text.width)
        return {"context": random_context(shape, generators)}

    @property
    def image_shape(self) -> tuple[int, ...]:
        shape = self.backbone.image_shape("patches")
        if not self.method.pooled_token and shape[0] < 2:
            raise UserError(Problem("no part of an image beside the pooled one", key="pooled_token"))
        return shape

    def classifier(self, *, variants: bool = False) -> PLOTClassifier:
        return PLOTClassifier(self, variants)


class PLOTClassifier(ImageClassifier):
    """Logit of a class: its prompts' cosines with the image's parts, weighed by a transport between them."""

    def __init__(self, learner: PLOT, variants: bool) -> None:
        context, tower, layout = learner.context, learner.backbone.text, learner.layout
        self.learner = learner
        self.replicates = len(context)
        self.device = context.device
        self.image_shape = learner.image_shape
        self.rounds = learner.method.transport_rounds if learner.method.transport_stop == "fixed" else None
        self.chunk = 64 if self.rounds is not None else REFERENCE_TEST_BATCH
        contexts = context.flatten(0, 1)
        self._states = None
        if variants:
            texts, self._states = encode_with_states(tower, layout, contexts)
        else:
            texts = encode(tower, layout, contexts)
        self.texts = texts.unflatten(0, context.shape[:2])  # (R, N, C, E)
        self._unchecked = not torch.is_grad_enabled() and self.rounds is not None

    def __call__(self, images: Tensor) -> Tensor:
        if self._unchecked:
            self._unchecked = False
            self._check_rounds(images[:, :SAMPLE])
        return self._logits(images, self.texts, self.rounds)

    def rescaled(self, images: Tensor, positions: Tensor, scales: Tensor) -> Tensor:
        """As of the contract; in variant n a vector is rescaled in all prompts at once."""
        factors = scales.repeat_interleave(self.learner.context.shape[1], dim=0)
        return self._changed(images, positions, factors)

    def replaced(self, images: Tensor, positions: Tensor, vectors: Tensor) -> Tensor:
        """As of the contract; vectors: ``(R, N, prompts, ..., D)``."""
        return self._changed(images, positions, vectors.transpose(1, 2).flatten(0, 1))

    @torch.no_grad()
    def _changed(self, images: Tensor, positions: Tensor, by: Tensor) -> Tensor:
        """Logits of variants; by: factors or vectors of all prompts ``(R * prompts, N, ...)``."""
        learner = self.learner
        prompts = learner.context.shape[1]
        places = positions.repeat_interleave(prompts, dim=0)
        texts = encode_variants(
            learner.backbone.text,
            learner.layout,
            learner.context.flatten(0, 1),
            places,
            by,
            states=self._states,
            first=self.first,
        ).unflatten(0, (self.replicates, prompts))  # (R, N, variants, C, E)
        each = [self._logits(images, own, self.rounds) for own in texts.unbind(dim=2)]
        return torch.stack(each, dim=1)

    def _logits(self, images: Tensor, texts: Tensor, rounds: int | None) -> Tensor:
        """Parts ``(R, B, Q, E)`` and texts ``(R, N, C, E)`` to logits ``(R, B, C)``."""
        backbone = self.learner.backbone
        parts = images if self.learner.method.pooled_token else images[:, :, 1:]
        cosines = parts.flatten(1, 2) @ texts.flatten(1, 2).mT
        cosines = cosines.unflatten(2, texts.shape[1:3]).unflatten(1, parts.shape[1:3])  # (R, B, Q, N, C)
        cosines = cosines.permute(0, 1, 4, 3, 2).contiguous()  # (R, B, C, N, Q)
        plan = transport(cosines, rounds).to(cosines.dtype)
        logits = backbone.logit_scale * (plan * cosines).sum(dim=(-2, -1))
        return logits if backbone.logit_bias is None else logits + backbone.logit_bias

    def _check_rounds(self, images: Tensor) -> None:
        """Warn where more rounds would give other logits."""
        assert self.rounds is not None
        found, more = (self._logits(images, self.texts, n) for n in (self.rounds, 10 * self.rounds))
        change = float((found - more).abs().max())
        if change > LOOSE:
            warnings.warn(
                f"PLOT's transport has not converged after {self.rounds} rounds: with ten times as many a "
                f"logit changes by {change:.2g}; raise transport_rounds",
                stacklevel=3,
            )
