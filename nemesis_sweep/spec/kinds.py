"""All kinds that `method.prompt` can name: prompts, and rows without one. Nothing here imports torch.

A row that is a kind is fitted by each trial. Its strengths are fields, fixed or searched; those that are left
out are chosen on the validation images, as the row of `search.baselines` does.
"""

from __future__ import annotations

from typing import Any

from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.prompts import PROMPTS, Kind
from nemesis_sweep.spec.values import Values

ROWS: dict[str, Kind] = {
    name: Kind(
        "",
        row.about,
        row.strengths,
        transfers=row.transfers,
        one_feature=row.classifier is not None,
        trains=False,
    )
    for name, row in BASELINES.items()
    if row.strengths is not None
}
"""Rows that are kinds, by their names in ``spec.baselines``."""

KINDS: dict[str, Kind] = {**PROMPTS, **ROWS}
"""By the names that `method.prompt` takes."""


def is_row(prompt: object) -> bool:
    """Whether a value of `prompt` is a row that trains no prompt."""
    return prompt in ROWS


def given_strengths(method: Values) -> dict[str, Any]:
    """The strengths of a row that a method gives, by name; those that are chosen on validation are not."""
    names = ROWS[str(method["prompt"])].fields.model_fields
    return {name: method[name] for name in names if method.get(name) is not None}
