"""CoOp's context: a learnt vector in place of every word around the class name (Zhou et al., 2022)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.layout import word_ids

INIT_STD = 0.02


def random_context(
    n_ctx: int, width: int, generators: Sequence[torch.Generator], n_classes: int | None = None
) -> Tensor:
    """Context drawn from N(0, 0.02^2), ``(R, M, D)``, or ``(R, C, M, D)`` when ``n_classes`` is given.

    Every replicate draws from its own generator, so its start does not depend on its neighbours.
    """
    shape = (n_ctx, width) if n_classes is None else (n_classes, n_ctx, width)
    return torch.stack([torch.randn(shape, generator=g) * INIT_STD for g in generators])


def embed_words(backbone: Backbone, words: str) -> Tensor:
    """Embeddings ``(M, D)`` of the tokens of ``words``, such as "a photo of a" (M = 4), fp32."""
    tokens = word_ids(backbone.tokenizer, words.replace("_", " "))
    return backbone.text.token_embedding(tokens.to(backbone.text.device)).detach().float()


def context_from_words(embedding: Tensor, replicates: int, n_classes: int | None = None) -> Tensor:
    """Context that starts as the embeddings ``(M, D)`` of given words, the same in every replicate."""
    shape = (replicates, *embedding.shape)
    if n_classes is not None:
        shape = (replicates, n_classes, *embedding.shape)
    return embedding.detach().float().expand(shape).clone()
