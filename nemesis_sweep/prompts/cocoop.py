"""CoCoOp: CoOp's context, shifted for every image by a small network of its feature (Zhou et al., 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nemesis_sweep.prompts.context import ContextLearner, start_context, uniform
from nemesis_sweep.prompts.per_image import PerImageClassifier
from nemesis_sweep.spec.method import Method
from nemesis_sweep.vlm.backbone import Backbone

HIDDEN = 16
"""The network is narrower than an image feature by this factor."""


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
        network = {name: uniform(shape, bounds[name], generators) for name, shape in shapes.items()}
        return {"context": context, **network}

    def shifts(self, images: Tensor) -> Tensor:
        """What is added to every context vector for images ``(R, B, E)``: ``(R, B, D)``."""
        hidden = F.relu(images @ self.hidden_weight.mT + self.hidden_bias[:, None])
        return hidden @ self.shift_weight.mT + self.shift_bias[:, None]

    def penalised(self, images: Tensor | None = None) -> Tensor:
        """The learnt vectors, or with ``penalise: shifted`` the mean over the batch of the shifted ones."""
        if self.method.penalise == "base" or images is None:
            return self.context
        return self.context + self.shifts(images).mean(dim=1, keepdim=True)

    def contexts(self, images: Tensor) -> Tensor:
        """The shifted context of every image, ``(R, B, M, D)``."""
        return self.context[:, None] + self.shifts(images)[:, :, None]

    def classifier(self, *, variants: bool = False) -> PerImageClassifier:
        return PerImageClassifier(self, self.contexts, variants)
