"""The tokens of the vocabulary that lie nearest to what was learnt, as CoOp's authors read their prompts.

Zhou et al., "Learning to Prompt for Vision-Language Models" (2022), section 4.4: a context vector is compared
with all token embeddings by Euclidean distance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.prompts.artifact import Prompt
from nemesis_sweep.prompts.context import ContextLearner
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.training.classifier import Learnt, backbone_of, replicates_of
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.token_texts import embedded_tokens, token_text
from nemesis_sweep.vlm.typical_norms import embedding_norm

TOP = 5
CONTEXT = "context"
"""The one tensor whose vectors stand where token embeddings stand."""
SPACES = {
    "deep": "states before later blocks of the text tower (layer 1 and on), where no token has an embedding",
    "visual": "tokens of the image tower",
    "projection": "weights from text vectors to the image tower's",
    "projection_bias": "biases of that projection",
    "prefix_keys": "keys of the attention",
    "prefix_values": "values of the attention",
    "hidden_weight": "weights of the network that shifts the context for every image",
    "hidden_bias": "biases of that network",
    "shift_weight": "weights of its second layer",
    "shift_bias": "biases of its second layer",
    "inner_weight": "weights of the network that makes vectors of every class",
    "inner_bias": "biases of that network",
    "outer_weight": "weights of its second layer",
    "outer_bias": "biases of its second layer",
}
"""What the other tensors of a prompt hold, by their names."""
SPARE = 8
"""Tokens beside those asked for whose distances are computed exactly: rounding may have swapped some."""
ROWS = 1024
"""Vectors that are compared with the vocabulary at a time."""


@dataclass(frozen=True)
class Word:
    """A token, as its vocabulary spells it, and its distance and cosine to a vector."""

    token: str
    id: int
    distance: float
    cosine: float


@dataclass(frozen=True)
class VectorWords:
    """A context vector and the tokens nearest to it, the nearest first.

    prompt: its number, from 1, where a class has several prompts, else None. classname: whose it is, where
    every class has its own (csc), else ''. position: from 1, in the order of the text. norm: its 2-norm.
    words: empty where the vector is not finite.
    """

    seed: int
    prompt: int | None
    classname: str
    position: int
    norm: float
    words: tuple[Word, ...]


@dataclass(frozen=True)
class Wordless:
    """A tensor of the prompt, ``(R, ...)``, whose vectors no token can be near to, and what it holds."""

    tensor: str
    shape: tuple[int, ...]
    holds: str


@dataclass(frozen=True)
class NearestWords:
    """The words of a prompt. vectors: those of layer 0, the token embeddings. vocabulary: tokens compared
    with. embedding_norm: the mean 2-norm of their embeddings. others: what has no words."""

    kind: str
    backbone: str
    vocabulary: int
    embedding_norm: float
    vectors: tuple[VectorWords, ...]
    others: tuple[Wordless, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as plain values; a number that is not finite is null."""
        values: dict[str, Any] = asdict(self)
        for vector in values["vectors"]:
            vector["norm"] = vector["norm"] if vector["words"] else None
        return values


def has_words(prompt: Learnt) -> bool:
    """Whether a prompt has vectors in the space of token embeddings; a reference has none."""
    return isinstance(prompt, Prompt) and issubclass(learner_of(prompt.kind), ContextLearner)


def nearest_words(
    prompt: Learnt, backbone: Backbone | str | None = None, *, seed: int | None = None, top: int = TOP
) -> NearestWords:
    """The ``top`` tokens nearest to every context vector of a prompt, by Euclidean distance.

    prompt: what ``load_prompt`` gave; its ``context`` is ``(R, ..., M, D)``. backbone: the one that it was
    learnt on, by default loaded by its own record. seed: one of the prompt's; by default all of them.
    Distances and cosines are computed in fp64 of the fp32 vectors; of equal ones the lower id is first.

    Raises ``UserError`` for a prompt without such vectors, for another backbone, and for an unknown seed.
    """
    if not isinstance(prompt, Prompt) or not has_words(prompt):
        raise _wordless(prompt)
    own = backbone_of(prompt, backbone)
    context = replicates_of(prompt, seed)[CONTEXT].float()
    seeds = list(prompt.seeds) if seed is None else [seed]
    ids, embeddings = embedded_tokens(own)
    vectors = context.flatten(0, -2)
    places = list(_places(prompt, seeds, context.shape[:-1]))
    found: list[tuple[Word, ...]] = []
    for some in vectors.split(ROWS):
        found += _nearest(some, ids, embeddings.float(), min(top, len(ids)), own.tokenizer)
    norms = torch.linalg.vector_norm(vectors.double(), dim=-1).tolist()
    each = zip(places, norms, found, strict=True)
    return NearestWords(
        kind=prompt.kind,
        backbone=prompt.backbone,
        vocabulary=len(ids),
        embedding_norm=float(embedding_norm(own)),
        vectors=tuple(VectorWords(*place, norm=norm, words=words) for place, norm, words in each),
        others=tuple(_others(prompt)),
    )


def _nearest(
    vectors: Tensor, ids: Tensor, embeddings: Tensor, top: int, tokenizer: Any
) -> Iterator[tuple[Word, ...]]:
    """The nearest tokens of vectors ``(n, D)`` among embeddings ``(V, D)``."""
    rough = torch.cdist(vectors.nan_to_num(), embeddings, compute_mode="use_mm_for_euclid_dist")
    few = rough.topk(min(top + SPARE, len(ids)), largest=False).indices.sort(dim=-1).values
    near, wanted = embeddings[few].double(), vectors.double()[:, None]
    distances = torch.linalg.vector_norm(near - wanted, dim=-1)
    cosines = F.cosine_similarity(near, wanted, dim=-1)
    order = distances.argsort(dim=-1, stable=True)[:, :top]
    for row, chosen in enumerate(order):
        if not vectors[row].isfinite().all():
            yield ()
            continue
        numbers = ids[few[row, chosen]].tolist()
        values = zip(numbers, distances[row, chosen].tolist(), cosines[row, chosen].tolist(), strict=True)
        yield tuple(Word(token_text(tokenizer, number), number, far, cos) for number, far, cos in values)


def _places(
    prompt: Prompt, seeds: Sequence[int], shape: Sequence[int]
) -> Iterator[tuple[int, int | None, str, int]]:
    """Seed, prompt, class and position of the vectors ``(R, [N], [C], M)``, in their order."""
    middle = list(shape[1:-1])
    names = list(prompt.classnames) if prompt.method.get("csc") and middle else [""]
    if names != [""]:
        middle.pop()
    count = int(torch.tensor(middle).prod()) if middle else 0
    numbers: list[int | None] = [*range(1, count + 1)] if count else [None]
    yield from product(seeds, numbers, names, range(1, shape[-1] + 1))


def _others(prompt: Prompt) -> Iterator[Wordless]:
    for name, tensor in prompt.tensors.items():
        if name != CONTEXT or not has_words(prompt):
            yield Wordless(name, tuple(tensor.shape), SPACES.get(name, "something of the kind's own"))


def _wordless(prompt: Learnt) -> UserError:
    message = "nothing in it stands where the words of a text stand, so no word is near to it"
    allowed = "a prompt with context vectors, such as coop"
    if not isinstance(prompt, Prompt):
        found = f"{prompt.kind}, which learns no prompt"
    else:
        found = f"{prompt.kind}: " + listed(
            [f"{other.tensor} {other.shape}, {other.holds}" for other in _others(prompt)]
        )
    return UserError(Problem(message, key="prompt", found=found, allowed=allowed))
