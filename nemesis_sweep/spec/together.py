"""The sections of a sweep file side by side, and which values can meet in one trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nemesis_sweep.spec.budget import Budget
from nemesis_sweep.spec.dimensions import Choice, Dimension, Space
from nemesis_sweep.spec.method import Method, visible_values
from nemesis_sweep.spec.search import Search
from nemesis_sweep.spec.space import Place, always_searched, places
from nemesis_sweep.spec.tasks import Tasks


@dataclass(frozen=True)
class Together:
    """The sections as far as they are valid, for the checks that need more than one of them.

    fixed: the method's values that were written; per_dataset: those of single datasets.
    unsure: names of method fields whose value or dimension is there but not valid: nothing may be
    concluded from them. A section that is None is not valid and not judged.
    """

    fixed: Mapping[str, Any]
    per_dataset: Mapping[str, Method]
    space: Space
    tasks: Tasks | None = None
    search: Search | None = None
    budget: Budget | None = None
    unsure: frozenset[str] = frozenset()
    places: list[Place] = field(init=False)
    always: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", list(places(self.space)))
        object.__setattr__(self, "always", frozenset(always_searched(self.space)))

    @property
    def datasets(self) -> list[str]:
        """The datasets of the tasks, or those that have values of their own where the tasks are not valid."""
        return self.tasks.dataset if self.tasks else ["", *self.per_dataset]

    def fixed_value(self, name: str, dataset: str) -> Any:
        """Return what `name` is for `dataset` while it is not searched."""
        own = self.per_dataset.get(dataset)
        if own is not None and name in own.model_fields_set:
            return getattr(own, name)
        return self.fixed.get(name, Method.model_fields[name].default)

    def values(self, dataset: str, point: Mapping[str, Any]) -> dict[str, Any]:
        """Return the whole method of a trial at `point` for `dataset`, as constraints see it."""
        fixed = {name: self.fixed_value(name, dataset) for name in Method.model_fields}
        return visible_values({**fixed, **point})

    def possible(self, name: str, place: Place | None = None, dataset: str | None = None) -> list[Any]:
        """Return the values that `name` can have, the bounds standing for a range.

        At `place` only those that can meet this dimension in one trial, for `dataset` only its own.
        """
        if place is not None and name in place.taken:
            return [place.taken[name]]
        visible = place.visible if place else [(found.name, found.dimension) for found in self.places]
        values = [value for found, dimension in visible if found == name for value in extremes(dimension)]
        if name not in self.always:
            datasets = self.datasets if dataset is None else [dataset]
            values += [self.fixed_value(name, each) for each in datasets]
        return values


def extremes(dimension: Dimension) -> list[Any]:
    """Return the choices, or the lowest and the highest value."""
    return list(dimension.choices) if isinstance(dimension, Choice) else list(dimension.bounds)
