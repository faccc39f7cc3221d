"""All kinds that `method.prompt` can name: prompts, and the rows without one. Nothing here imports torch.

A row such as `taskres` that is a kind is fitted by each trial. Its strengths are fields, fixed or searched;
those that are left out are chosen on the validation images, as the row of `search.baselines` does.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.fields import Real
from nemesis_sweep.spec.prompts import PROMPTS, Fields, Kind
from nemesis_sweep.spec.values import Values

Strength = Annotated[Real, Field(gt=0)] | None
"""None: chosen on validation."""


class HeadFields(Fields):
    """head_lr: learning rate of what is trained on features."""

    head_lr: Strength = None


class CacheFields(Fields):
    """cache_alpha: weight of the few shots beside zero-shot. cache_beta: how sharply they are compared."""

    cache_alpha: Strength = None
    cache_beta: Strength = None


class TrainedCacheFields(CacheFields, HeadFields):
    """Fields of Tip-Adapter-F."""


class AdapterFields(HeadFields):
    """adapter_ratio: share of the adapted feature, the image's own has the rest."""

    adapter_ratio: Annotated[Real, Field(ge=0, le=1)] | None = None


class ResidualFields(HeadFields):
    """residual_alpha: weight of the residual beside a class's text feature."""

    residual_alpha: Strength = None


class ProbeFields(Fields):
    """probe_c: inverse of the strength of the L2 penalty, C."""

    probe_c: Strength = None


def _row(name: str, fields: type[Fields] = Fields) -> Kind:
    row = BASELINES[name]
    return Kind("", row.about, fields, transfers=row.transfers, trains=False)


REFERENCES: dict[str, Kind] = {
    "linear_probe": _row("linear_probe", ProbeFields),
    "lp_plus_plus": _row("lp_plus_plus"),
    "tip_adapter": _row("tip_adapter", CacheFields),
    "tip_adapter_f": _row("tip_adapter_f", TrainedCacheFields),
    "clip_adapter": _row("clip_adapter", AdapterFields),
    "taskres": _row("taskres", ResidualFields),
}
"""Rows that are kinds, by their names in ``spec.baselines``."""

KINDS: dict[str, Kind] = {**PROMPTS, **REFERENCES}
"""By the names that `method.prompt` takes."""


class ReferenceFields(TrainedCacheFields, AdapterFields, ResidualFields, ProbeFields):
    """The fields of all rows side by side."""


def strengths(method: Values) -> dict[str, Any]:
    """The strengths of a row that are given, by name; those that are chosen on validation are not."""
    names = REFERENCES[str(method["prompt"])].fields.model_fields
    return {name: method[name] for name in names if method.get(name) is not None}


def is_row(prompt: object) -> bool:
    """Whether a value of `prompt` is a row that trains no prompt."""
    return prompt in REFERENCES
