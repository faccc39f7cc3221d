"""TCP: a context that gives way, inside the text tower, to vectors of each class (Yao et al., CVPR 2024).

"TCP: Textual-based Class-aware Prompt tuning for Visual-Language Model". With w_c the feature of a
hand-written prompt for class c, L2-normalised, and M vectors of width D,

    T_c = W2 quick_gelu(W1 w_c + b1) + b2, M * D numbers, with quick_gelu(x) = x * sigmoid(1.702 x)
    loss = CE + anchor_weight * (1 - mean_c cos(t_c, w_c)), as KgCoOp's

The context stands before the first block; before a later one, in the public code
(htyao89/Textual-based_Class-aware_prompt_tuning) number 8 of 12 counted from 0, T_c takes the place of its
states. There M is 4, and the context is drawn from N(0, 0.02^2).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import ClassVar

import torch
from torch import Tensor, nn

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.prompts.context import is_half, start_context, uniform
from nemesis_sweep.prompts.gradient_scale import scaled_gradients
from nemesis_sweep.prompts.kgcoop import KgCoOp
from nemesis_sweep.prompts.text_classifier import TextClassifier
from nemesis_sweep.spec.fields import Section
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import CLASS_BLOCK, TCPFields
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.class_aware import encode_class_aware, encode_class_aware_variants
from nemesis_sweep.vlm.class_vectors import ClassStates
from nemesis_sweep.vlm.text import check_takes_vectors

HIDDEN = 4
"""The network is narrower than a class feature by this factor."""


class TCP(KgCoOp):
    """R contexts ``(R, M, D)``, and the network: inner_weight ``(R, H, E)``, inner_bias ``(R, H)``,
    outer_weight ``(R, M * D, H)``, outer_bias ``(R, M * D)``, with H = E / 4.

    PUN and PAN see the M context vectors, in front of the first block, and not those that the network makes.
    No public code has TCP with Nemesis; this is a choice.
    """

    tensors: ClassVar[tuple[str, ...]] = (
        "context",
        *("inner_weight", "inner_bias", "outer_weight", "outer_bias"),
    )
    fields: ClassVar[type[Section]] = TCPFields
    inner_weight: nn.Parameter
    inner_bias: nn.Parameter
    outer_weight: nn.Parameter
    outer_bias: nn.Parameter

    @classmethod
    def start(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """CoOp's start, and torch's own of linear layers: uniform within 1 / sqrt(inputs).

        Raises ``UserError`` for a tower that takes no vectors between its blocks, or has too few of these.
        """
        check_takes_vectors(backbone.text)
        class_block(backbone, method)
        context = start_context(backbone, method, generators)
        inputs, outputs = backbone.embed_dim, context.shape[1] * context.shape[2]
        hidden = max(1, inputs // HIDDEN)
        inner, outer = 1 / sqrt(inputs), 1 / sqrt(hidden)
        return {
            "context": context,
            "inner_weight": uniform((hidden, inputs), inner, generators),
            "inner_bias": uniform((hidden,), inner, generators),
            "outer_weight": uniform((outputs, hidden), outer, generators),
            "outer_bias": uniform((outputs,), outer, generators),
        }

    def class_vectors(self) -> Tensor:
        """T ``(R, C, M, D)``, of the class names as they are now."""
        inner = self.anchors @ self.inner_weight.mT + self.inner_bias[:, None]
        hidden = inner * torch.sigmoid(1.702 * inner)
        made = hidden @ self.outer_weight.mT + self.outer_bias[:, None]
        return made.unflatten(2, tuple(self.context.shape[1:]))

    def classifier(self, *, variants: bool = False) -> TextClassifier:
        """Text features of all classes, and the states that variants of the context can use again."""
        tower, layout, block = self.backbone.text, self.layout, class_block(self.backbone, self.method)
        together = torch.cat([self.context[:, None], self.class_vectors()], dim=1)  # (R, 1 + C, M, D)
        kept: list[ClassStates | None] = []

        def encode(both: Tensor) -> Tensor:
            texts, states = encode_class_aware(tower, layout, both[:, 0], both[:, 1:], block, keep=variants)
            kept.append(states)
            return texts

        texts = scaled_gradients(encode, together) if is_half(tower) else encode(together)
        if not variants:
            return TextClassifier(self.backbone, texts)
        given = (tower, layout, self.context, together[:, 1:].detach(), block)

        def variants_of(positions: Tensor, by: Tensor) -> Tensor:
            return encode_class_aware_variants(*given, positions, by, states=kept[0], first=made.first)

        made = TextClassifier(self.backbone, texts, variants_of, variants_of)
        return made


def class_block(backbone: Backbone, method: Method) -> int:
    """The block, counted from 0, before which the classes' vectors enter.

    Raises ``UserError`` for one that the tower does not have.
    """
    there = backbone.text.layers
    if there < 2:
        message = "the text tower has no block that vectors of the classes could enter behind the first"
        raise UserError(Problem(message, "backbone", found=f"{backbone.name}, with {there}"))
    block = method.class_block or max(1, 2 * there // 3)
    if block >= there:
        message = "no block of the text tower is left behind so many"
        raise UserError(Problem(message, CLASS_BLOCK, found=str(block), allowed=f"at most {there - 1}"))
    return block
