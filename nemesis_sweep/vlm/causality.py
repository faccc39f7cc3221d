"""Whether a position of a text tower sees those behind it: asked of the tower, not of its configuration.

The last token of a text is changed, and the states before it are looked at: once in a text that nothing
follows, and once in one that padding follows. Some code takes another way through attention when there is
padding; a text has then two features, by how it is padded, and neither is the model's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.tower import TextTower

WORDS, PADDING = 5, 3
"""Tokens of the text, and of what follows it."""
MOVED = 1e-4
"""Of the largest change of any state: a smaller one before the changed token is rounding."""


@dataclass(frozen=True)
class Causality:
    """Whether earlier states stay as they are when the last token changes, without and with padding."""

    alone: bool
    padded: bool


@torch.no_grad()
def causality_of(tower: TextTower, padding: int) -> Causality:
    """Ask a tower. padding: the id of the token that fills texts up."""
    return Causality(*(_is_causal(tower, padding, behind) for behind in (0, PADDING)))


def refuse_two_answers(tower: TextTower, padding: int, what: str) -> Causality:
    """Ask a tower, and raise UserError for one whose answer depends on the padding."""
    found = causality_of(tower, padding)
    if found.alone != found.padded:
        answers = ("looks both ways", "looks back only")
        told = f"{answers[found.alone]} without padding, {answers[found.padded]} with it"
        message = f"the text tower of {what} gives a text two features, by how it is padded"
        allowed = "a tower whose attention does not depend on padding"
        raise UserError(Problem(message, found=told, allowed=allowed))
    return found


def _is_causal(tower: TextTower, padding: int, behind: int) -> bool:
    ids = torch.full((2, WORDS + behind), padding, device=tower.device)
    ids[:, :WORDS] = _word(padding)
    embedded = tower.token_embedding(ids).clone()
    vectors = torch.randn(WORDS + 1, tower.width, generator=torch.Generator().manual_seed(0))
    spread = embedded.detach().float().std().item() or 1.0
    vectors = (spread * vectors).to(device=tower.device, dtype=tower.dtype)
    embedded[:, :WORDS] = vectors[:WORDS]
    embedded[1, WORDS - 1] = vectors[WORDS]
    states = tower.states(embedded, ids)
    moved: Tensor = (states[0] - states[1]).abs().amax(dim=-1)
    return bool(moved[: WORDS - 1].max() <= MOVED * moved.max())


def _word(padding: int) -> int:
    """An id that is none of padding; which word it is does not matter, for its vector is replaced."""
    return padding - 1 if padding else 1
