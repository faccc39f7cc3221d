"""CoCoOp: CoOp's context, shifted for every image by a small network of its feature (Zhou et al., 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from nemesis_sweep.prompts.context import ContextLearner, encode, encode_with_states, start_context
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.spec.method import Method
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.shared import States
from nemesis_sweep.vlm.text_cost import states_bytes
from nemesis_sweep.vlm.variants import encode_variants

HIDDEN = 16
"""The network is narrower than an image feature by this factor."""

PASS_BYTES = 2**30
"""What the states of contexts that are trained in one pass may take; where a batch needs more, it goes in
several, whose states are computed again for the gradient."""


class CoCoOp(ContextLearner):
    """ctx_b = ctx + W2 relu(W1 x_b + b1) + b2 for the normalised feature x_b of image b: one shift for all M.

    context ``(R, M, D)``; hidden_weight ``(R, H, E)``, hidden_bias ``(R, H)``, shift_weight ``(R, D, H)``,
    shift_bias ``(R, D)``, with H = E / 16.
    """

    tensors = ("context", "hidden_weight", "hidden_bias", "shift_weight", "shift_bias")
    hidden_weight: nn.Parameter
    hidden_bias: nn.Parameter
    shift_weight: nn.Parameter
    shift_bias: nn.Parameter

    @classmethod
    def start(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """CoOp's start, and torch's own of linear layers: uniform within 1 / sqrt(inputs)."""
        context = start_context(backbone, method, generators)
        inputs, width = backbone.embed_dim, backbone.text.width
        hidden = max(1, inputs // HIDDEN)
        shapes = {"hidden_weight": (hidden, inputs), "hidden_bias": (hidden,)}
        bounds = dict.fromkeys(shapes, 1 / sqrt(inputs))
        shapes |= {"shift_weight": (width, hidden), "shift_bias": (width,)}
        bounds |= dict.fromkeys(("shift_weight", "shift_bias"), 1 / sqrt(hidden))
        network = {
            name: torch.stack([(2 * torch.rand(shape, generator=g) - 1) * bounds[name] for g in generators])
            for name, shape in shapes.items()
        }
        return {"context": context, **network}

    def shifts(self, images: Tensor) -> Tensor:
        """What is added to every context vector for images ``(R, B, E)``: ``(R, B, D)``."""
        hidden = F.relu(images @ self.hidden_weight.mT + self.hidden_bias[:, None])
        return hidden @ self.shift_weight.mT + self.shift_bias[:, None]

    @cached_property
    def pass_bytes(self) -> int:
        """About what the states of one context take."""
        return states_bytes(self.backbone.text, self.layout)

    def penalised(self, images: Tensor | None = None) -> Tensor:
        """The learnt vectors, or with ``penalise: shifted`` the mean over the batch of the shifted ones."""
        if self.method.penalise == "base" or images is None:
            return self.context
        return self.context + self.shifts(images).mean(dim=1, keepdim=True)

    def classifier(self, *, variants: bool = False) -> CoCoOpClassifier:
        return CoCoOpClassifier(self, variants)


class CoCoOpClassifier(ImageClassifier):
    """Every image against its own class features: R x B contexts for one layout, in passes with a bound."""

    chunk = 256

    def __init__(self, learner: CoCoOp, variants: bool) -> None:
        self.learner = learner
        self.replicates = len(learner.context)
        self.device = learner.context.device
        self.image_shape = learner.image_shape
        # Behind the context's own states, those of the names would be many: only those in front are kept.
        self._keeps = variants and learner.layout.position == "end"
        self._kept: tuple[Tensor, list[States | None]] | None = None

    def __call__(self, images: Tensor) -> Tensor:
        contexts, features, size = self._flat(images)
        recomputed = torch.is_grad_enabled() and size < len(contexts)
        states: list[States | None] = []
        logits = []
        for some, own in zip(contexts.split(size), features.split(size), strict=True):
            if recomputed:
                found = checkpoint(self._logits, some, own, states, use_reentrant=False)
            else:
                found = self._logits(some, own, states)
            logits.append(found)
        self._kept = (images, states[: len(logits)]) if self._keeps else None
        return torch.cat(logits).unflatten(0, images.shape[:2])

    @torch.no_grad()
    def rescaled(self, images: Tensor, positions: Tensor, scales: Tensor) -> Tensor:
        """As of the contract; in variant n a vector of every image's shifted context is rescaled."""
        contexts, features, size = self._flat(images)
        count = images.shape[1]
        positions, scales = (each.repeat_interleave(count, dim=0) for each in (positions, scales))
        learner, logits = self.learner, []
        parts = zip(*(each.split(size) for each in (contexts, features, positions, scales)), strict=True)
        kept = self._kept[1] if self._kept is not None and self._kept[0] is images else None
        for number, (some, own, places, factors) in enumerate(parts):
            states = kept[number] if kept else None
            texts = encode_variants(
                learner.backbone.text, learner.layout, some, places, factors, states=states
            )
            logits.append(self._scaled(own[:, None], texts))
        return torch.cat(logits).unflatten(0, (len(images), count)).transpose(1, 2)

    def _flat(self, images: Tensor) -> tuple[Tensor, Tensor, int]:
        """Contexts ``(R * B, M, D)``, features ``(R * B, E)``, and how many of them make a pass."""
        learner = self.learner
        contexts = learner.context[:, None] + learner.shifts(images)[:, :, None]
        size = max(1, PASS_BYTES // learner.pass_bytes)
        return contexts.flatten(0, 1), images.flatten(0, 1), size

    def _logits(self, contexts: Tensor, features: Tensor, states: list[States | None]) -> Tensor:
        tower, layout = self.learner.backbone.text, self.learner.layout
        if not self._keeps:
            return self._scaled(features, encode(tower, layout, contexts))
        texts, own = encode_with_states(tower, layout, contexts)
        states.append(own)
        return self._scaled(features, texts)

    def _scaled(self, features: Tensor, texts: Tensor) -> Tensor:
        """Features ``(..., E)`` and each one's texts ``(..., C, E)`` to logits ``(..., C)``."""
        backbone = self.learner.backbone
        logits = backbone.logit_scale * (texts @ features[..., None]).squeeze(-1)
        return logits if backbone.logit_bias is None else logits + backbone.logit_bias
