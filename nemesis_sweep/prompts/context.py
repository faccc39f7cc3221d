"""Context vectors among the words of a text: how they start, and what all prompts of such vectors share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE
from nemesis_sweep.prompts.gradient_scale import scaled_gradients
from nemesis_sweep.prompts.learner import Learner
from nemesis_sweep.prompts.prograd import divergence, projected
from nemesis_sweep.prompts.text_classifier import cosine_logits
from nemesis_sweep.spec.fields import Section
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import CoOpFields
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.layout import Layout, word_ids
from nemesis_sweep.vlm.shared import KVCache
from nemesis_sweep.vlm.text import encode_text, encode_text_with_states
from nemesis_sweep.vlm.tower import TextTower

INIT_STD = 0.02


class ContextLearner(Learner):
    """Prompts whose parameter ``context`` ``(R, ..., M, D)`` stands among the words of every class."""

    tensors: ClassVar[tuple[str, ...]] = ("context",)
    fields: ClassVar[type[Section]] = CoOpFields
    context: nn.Parameter

    def __init__(
        self,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        values: Mapping[str, Tensor],
        template: str = DEFAULT_TEMPLATE,
    ) -> None:
        super().__init__(backbone, method, classnames, values, template)
        self.layout = backbone.layout(classnames, self.context.shape[-2], method.class_position)

    @classmethod
    def start(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """CoOp's start: N(0, 0.02^2) or given words; with ``csc`` for every class."""
        per_class = (len(classnames),) if method.csc else ()
        return {"context": start_context(backbone, method, generators, per_class)}

    @property
    def n_vectors(self) -> int:
        return self.layout.n_ctx

    def penalised(self, images: Tensor | None = None) -> Tensor:
        """The context itself."""
        return self.context

    def guide(self, images: Tensor, logits: Tensor) -> Tensor | None:
        """ProGrad's, from the hand-written prompt; None at strength 0."""
        if self.method.prograd == 0:
            return None
        return divergence(logits, cosine_logits(images, self.anchors, self.backbone))

    def guided(self, gradients: Sequence[Tensor], guides: Sequence[Tensor]) -> Sequence[Tensor]:
        return projected(gradients, guides, self.method.prograd)


def start_context(
    backbone: Backbone, method: Method, generators: Sequence[torch.Generator], leading: tuple[int, ...] = ()
) -> Tensor:
    """The context ``(R, *leading, M, D)`` before training: drawn, or the given words, the same everywhere."""
    if method.words:
        words = embed_words(backbone, method.words)
        return words.expand(len(generators), *leading, *words.shape).clone()
    return random_context((*leading, method.n_ctx, backbone.text.width), generators)


def random_context(shape: tuple[int, ...], generators: Sequence[torch.Generator]) -> Tensor:
    """Vectors drawn from N(0, 0.02^2), ``(R, *shape)``, such as ``(R, M, D)``.

    Every replicate draws from its own generator, so its start does not depend on its neighbours.
    """
    return torch.stack([torch.randn(shape, generator=g) * INIT_STD for g in generators])


def uniform(shape: tuple[int, ...], bound: float, generators: Sequence[torch.Generator]) -> Tensor:
    """Numbers within the bound, ``(R, *shape)``, each replicate's from its own generator."""
    return torch.stack([(2 * torch.rand(shape, generator=g) - 1) * bound for g in generators])


def embed_words(backbone: Backbone, words: str) -> Tensor:
    """Embeddings ``(M, D)`` of the tokens of ``words``, such as "a photo of a" (M = 4), fp32."""
    tokens = word_ids(backbone.tokenizer, words.replace("_", " "))
    return backbone.text.token_embedding(tokens.to(backbone.text.device)).detach().float()


def encode(tower: TextTower, layout: Layout, context: Tensor) -> Tensor:
    """Text features ``(R, C, E)`` as of ``encode_text``, with gradients that a half-precision tower keeps."""
    return encode_vectors(tower, layout, context[:, None])


def encode_with_states(tower: TextTower, layout: Layout, context: Tensor) -> tuple[Tensor, KVCache | None]:
    """The same, and the states of ``encode_text_with_states``."""
    return encode_vectors_with_states(tower, layout, context[:, None])


def encode_vectors(tower: TextTower, layout: Layout, vectors: Tensor) -> Tensor:
    """Text features of vectors ``(R, J, M, D)`` before the first J blocks, or ``(R, 1, C, M, D)``."""

    def inner(vectors: Tensor) -> Tensor:
        return encode_text(tower, layout, vectors[:, 0], deep=_deep(vectors))

    return scaled_gradients(inner, vectors) if is_half(tower) else inner(vectors)


def encode_vectors_with_states(
    tower: TextTower, layout: Layout, vectors: Tensor
) -> tuple[Tensor, KVCache | None]:
    """The same, and the states of ``encode_text_with_states``."""
    kept: list[KVCache | None] = []

    def inner(vectors: Tensor) -> Tensor:
        texts, states = encode_text_with_states(tower, layout, vectors[:, 0], deep=_deep(vectors))
        kept.append(states)
        return texts

    texts = scaled_gradients(inner, vectors) if is_half(tower) else inner(vectors)
    return texts, kept[0]


def _deep(vectors: Tensor) -> Tensor | None:
    return vectors[:, 1:] if vectors.shape[1] > 1 else None


def is_half(tower: TextTower) -> bool:
    """Whether gradients would be rounded to nothing inside the tower."""
    return tower.dtype == torch.float16 and torch.is_grad_enabled()
