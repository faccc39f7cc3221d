"""Classification by contexts that depend on the image: class features for each, in passes with a bound."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from nemesis_sweep.prompts.context import ContextLearner, encode, encode_with_states
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.vlm.shared import KVCache
from nemesis_sweep.vlm.text_cost import states_bytes
from nemesis_sweep.vlm.variants import encode_variants

PASS_BYTES = 2**30
"""What the states of contexts that are trained in one pass may take; where a batch needs more, it goes in
several, whose states are computed again for the gradient."""


class PerImageClassifier(ImageClassifier):
    """Every image against its own class features: R x B contexts for one layout.

    contexts: from image features ``(R, B, E)`` to contexts ``(R, B, M, D)``. variants: whether it will be
    asked for those.
    """

    chunk = 256

    def __init__(self, learner: ContextLearner, contexts: Callable[[Tensor], Tensor], variants: bool) -> None:
        self.replicates = len(learner.context)
        self.device = learner.context.device
        self.image_shape = learner.image_shape
        self._learner = learner
        self._contexts = contexts
        # Behind the context's own states, those of the names would be many: only those in front are kept.
        self._keeps = variants and learner.layout.position == "end"
        self._kept: tuple[Tensor, list[KVCache | None]] | None = None

    def __call__(self, images: Tensor) -> Tensor:
        contexts, features, size = self._flat(images)
        recomputed = torch.is_grad_enabled() and size < len(contexts)
        states: list[KVCache | None] = []
        logits = []
        for some, own in zip(contexts.split(size), features.split(size), strict=True):
            if recomputed:
                # Nothing in it is drawn: the generators' states need not be kept.
                found = checkpoint(
                    self._logits, some, own, states, use_reentrant=False, preserve_rng_state=False
                )
            else:
                found = self._logits(some, own, states)
            logits.append(found)
        self._kept = (images, states[: len(logits)]) if self._keeps else None
        return torch.cat(logits).unflatten(0, images.shape[:2])

    def rescaled(self, images: Tensor, positions: Tensor, scales: Tensor) -> Tensor:
        """As of the contract; in variant n a vector of every image's own context is rescaled."""
        return self._changed(images, positions, scales)

    def replaced(self, images: Tensor, positions: Tensor, vectors: Tensor) -> Tensor:
        """As of the contract; the same vector stands in every image's own context."""
        return self._changed(images, positions, vectors)

    @torch.no_grad()
    def _changed(self, images: Tensor, positions: Tensor, by: Tensor) -> Tensor:
        contexts, features, size = self._flat(images)
        count = images.shape[1]
        positions, by = (each.repeat_interleave(count, dim=0) for each in (positions, by))
        parts = zip(*(each.split(size) for each in (contexts, features, positions, by)), strict=True)
        kept = self._kept[1] if self._kept is not None and self._kept[0] is images else None
        tower, layout, logits = self._learner.backbone.text, self._learner.layout, []
        for number, (some, own, places, changes) in enumerate(parts):
            states = kept[number] if kept else None
            texts = encode_variants(tower, layout, some, places, changes, states=states, first=self.first)
            logits.append(self._scaled(own[:, None], texts))
        return torch.cat(logits).unflatten(0, (len(images), count)).transpose(1, 2)

    def _flat(self, images: Tensor) -> tuple[Tensor, Tensor, int]:
        """Contexts ``(R * B, M, D)``, features ``(R * B, E)``, and how many of them make a pass."""
        each = states_bytes(self._learner.backbone.text, self._learner.layout)
        size = max(1, PASS_BYTES // each)
        return self._contexts(images).flatten(0, 1), images.flatten(0, 1), size

    def _logits(self, contexts: Tensor, features: Tensor, states: list[KVCache | None]) -> Tensor:
        tower, layout = self._learner.backbone.text, self._learner.layout
        if not self._keeps:
            return self._scaled(features, encode(tower, layout, contexts))
        texts, own = encode_with_states(tower, layout, contexts)
        states.append(own)
        return self._scaled(features, texts)

    def _scaled(self, features: Tensor, texts: Tensor) -> Tensor:
        """Features ``(..., E)`` and each one's texts ``(..., C, E)`` to logits ``(..., C)``."""
        backbone = self._learner.backbone
        logits = backbone.logit_scale * (texts @ features[..., None]).squeeze(-1)
        return logits if backbone.logit_bias is None else logits + backbone.logit_bias
