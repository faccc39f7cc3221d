"""A dual encoder of transformers by its configuration alone: its sizes, and a small one of random weights."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nemesis_sweep.vlm.causality import Causality, refuse_two_answers
from nemesis_sweep.vlm.dual_encoders.described import family_of
from nemesis_sweep.vlm.dual_encoders.families import Family
from nemesis_sweep.vlm.dual_encoders.loading import quiet, read_class, taken_apart
from nemesis_sweep.vlm.dual_encoders.tower import bare_tower
from nemesis_sweep.vlm.usable_config import usable

LAYERS, WORDS, LENGTH = 2, 64, 16
"""Blocks and words of the small one, and tokens of its texts."""


@dataclass(frozen=True)
class Looked:
    """What a configuration says, and what a small model of it answers.

    embed_dim: E. activation: of the text tower. initial_scale: of a new model, None where it has none.
    """

    family: Family
    text_width: int
    text_layers: int
    text_heads: int
    activation: str
    embed_dim: int
    initial_scale: float | None
    causality: Causality


def look_at(config: Path) -> Looked:
    """Look at a `config.json`.

    Raises UserError for one that transformers cannot use, and for a tower that gives a text two features.
    """
    family = family_of(config)
    kind, read = read_class(family, config)
    text = getattr(read, family.text_config)
    small = _small(read)
    words = getattr(small, family.text_config)
    padding = int(getattr(words, "pad_token_id", None) or 0)
    words.vocab_size = min(max(WORDS, padding + 1), words.vocab_size)
    with usable(config, "no model has these sizes"), quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        parts = taken_apart(family, kind(small))
        tower = bare_tower(parts.text, family, padding, LENGTH)
        causality = refuse_two_answers(tower, padding, family.title)
    return Looked(
        family=family,
        text_width=int(text.hidden_size),
        text_layers=int(text.num_hidden_layers),
        text_heads=int(text.num_attention_heads),
        activation=str(getattr(text, "hidden_act", "gelu")),
        embed_dim=parts.text.dim,
        initial_scale=parts.logit_scale,
        causality=causality,
    )


def _small(read: Any) -> Any:
    """The configuration with few blocks."""
    small = copy.deepcopy(read)
    for part in [small, *vars(small).values()]:
        if isinstance(getattr(part, "num_hidden_layers", None), int):
            part.num_hidden_layers = min(LAYERS, part.num_hidden_layers)
        if isinstance(getattr(part, "depth_coefficient", None), float):  # An EfficientNet.
            part.depth_coefficient = 0.1
    return small
