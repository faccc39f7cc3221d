"""Deep language prompting: learnt vectors before every block of the text tower (Khattak et al., 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.prompts.context import (
    ContextLearner,
    encode_vectors,
    encode_vectors_with_states,
    random_context,
    start_context,
)
from nemesis_sweep.prompts.learner import ImageClassifier
from nemesis_sweep.prompts.text_classifier import TextClassifier
from nemesis_sweep.spec.fields import Section
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import DeepTextFields
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.typical_norms import embedding_norm, state_norms
from nemesis_sweep.vlm.variants import encode_variants


class DeepText(ContextLearner):
    """R contexts ``(R, M, D)``, and ``deep`` ``(R, J - 1, M, D)``, which takes their places before block 1 to
    J - 1.

    PUN and PAN see the J * M vectors one by one, block after block.
    """

    tensors: ClassVar[tuple[str, ...]] = ("context", "deep")
    fields: ClassVar[type[Section]] = DeepTextFields
    deep: nn.Parameter

    @classmethod
    def start(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """CoOp's context; the blocks' own vectors from N(0, 0.02^2). Raises ``UserError`` for a depth that
        the tower does not have."""
        context = start_context(backbone, method, generators)
        shape = (depth(backbone, method) - 1, *context.shape[-2:])
        return {"context": context, "deep": random_context(shape, generators)}

    @property
    def n_vectors(self) -> int:
        return self.layout.n_ctx * (1 + self.deep.shape[1])

    @property
    def vectors(self) -> Tensor:
        """All of them, ``(R, J, M, D)``."""
        return torch.cat([self.context[:, None], self.deep], dim=1)

    def penalised(self, images: Tensor | None = None) -> Tensor:
        return self.vectors.flatten(1, 2)

    def first_place(self, positions: Tensor) -> int:
        """Every block has its own vectors at the same places."""
        return int((positions % self.layout.n_ctx).min())

    def typical_norms(self, images: Tensor | None = None) -> Tensor | None:
        """Of each block: token embeddings, then the states of the classes' hand-written prompts."""
        tower = self.backbone.text
        assert isinstance(tower, OpenClipTower)
        texts = [self.template.replace("{}", name.replace("_", " ")) for name in self.classnames]
        states = state_norms(tower, self.backbone.layouts.texts(self.backbone.tokenizer, texts))
        blocks = torch.cat([embedding_norm(self.backbone)[None], states[: self.deep.shape[1]]])
        return blocks.repeat_interleave(self.layout.n_ctx)

    def classifier(self, *, variants: bool = False) -> ImageClassifier:
        """Text features of all classes, and the states that variants of the vectors can use again."""
        tower, layout = self.backbone.text, self.layout
        if not variants:
            return TextClassifier(self.backbone, encode_vectors(tower, layout, self.vectors))
        texts, states = encode_vectors_with_states(tower, layout, self.vectors)

        def variants_of(positions: Tensor, by: Tensor) -> Tensor:
            return encode_variants(
                *(tower, layout, self.context, positions, by),
                deep=self.deep,
                states=states,
                first=made.first,
            )

        made = TextClassifier(self.backbone, texts, variants_of, variants_of)
        return made


def depth(backbone: Backbone, method: Method) -> int:
    """J, the number of blocks with vectors of their own. Raises ``UserError`` for more than there are."""
    given, there = method.prompt_depth, backbone.text.layers
    if given is not None and given > there:
        message = "deeper than the text tower"
        raise UserError(Problem(message, "prompt_depth", found=str(given), allowed=f"at most {there}"))
    return given or there
