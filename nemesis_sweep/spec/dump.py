"""A sweep back as YAML."""

from __future__ import annotations

from typing import Any

import yaml

from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.dimensions import Choice, Dimension, Space
from nemesis_sweep.spec.owned import owners_of, tables
from nemesis_sweep.spec.source import SCALARS
from nemesis_sweep.spec.space import always_searched
from nemesis_sweep.spec.sweep import Sweep

ADDRESSES = (("search", "storage"), ("tracking", "mlflow"))
"""Values that may hold a password."""


def resolved(sweep: Sweep) -> dict[str, Any]:
    """Return everything that the sweep says, defaults included, as plain data that can be loaded again.

    Method fields that every trial draws are left out of `method`: they stand under `space`. So are those that
    no kind of prompt, no optimiser and no annealing of the sweep has. Passwords in addresses are `***`.
    """
    data = sweep.model_dump(exclude={"method", "space"})
    sections = CrossSection(sweep.method, sweep.space, sweep.tasks)
    kinds = sweep.method.kinds
    idle = {
        name
        for name in sweep.method.method_fields()
        for field, own in owners_of(name, kinds).items()
        if set(sections.possible(field)) <= set(tables(kinds)[field]) - set(own)
    }
    method = sweep.method.model_dump(
        exclude={"per_shots", "per_dataset"} | always_searched(sweep.space) | idle
    )
    for name in ("per_shots", "per_dataset"):
        entries = getattr(sweep.method, name).items()
        method[name] = {key: own.model_dump(exclude_unset=True) for key, own in entries}
    for section, key in ADDRESSES:
        data[section][key] = data[section][key] and masked(data[section][key])
    parts = {"name": data.pop("name"), "tasks": data.pop("tasks"), "method": method}
    return parts | {"space": _space(sweep.space)} | data


def sweep_to_yaml(sweep: Sweep) -> str:
    """Return the sweep with all defaults filled in; loading the text gives it again, less passwords."""
    return plain_yaml(resolved(sweep))


def plain_yaml(data: dict[str, Any]) -> str:
    """Return the plain data of a sweep, as :func:`resolved` has it, as text."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def inline_yaml(value: Any) -> str:
    """Return a value as it stands behind its key, on one line: `[4, 16]`, `./birds`, `"1"`."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=float("inf")
    )
    return text.removesuffix("...\n").strip()


class _Dumper(yaml.SafeDumper):
    """Writes what `source.PlainLoader` and every other YAML reader take for the same: no aliases, and
    quotes around a text that either of them would read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _tag, _pattern, _first in SCALARS:
    _Dumper.add_implicit_resolver(_tag, _pattern, _first)


def _space(space: Space) -> dict[str, Any]:
    return {name: _dimension(dimension) for name, dimension in space.items()}


def _dimension(dimension: Dimension) -> dict[str, Any]:
    if not isinstance(dimension, Choice):
        return dimension.model_dump(exclude_defaults=True)
    if not any(dimension.opens):
        return {"choices": list(dimension.choices)}
    opens = zip(dimension.choices, dimension.opens, strict=True)
    return {"choices": {choice: _space(opened) for choice, opened in opens}}
