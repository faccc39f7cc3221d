"""The sections of a sweep file side by side, and which values can meet in one trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from nemesis_sweep.spec.budget import Budget
from nemesis_sweep.spec.dimensions import Choice, Dimension, Space
from nemesis_sweep.spec.method import MethodSection, visible_values
from nemesis_sweep.spec.search import Search
from nemesis_sweep.spec.space import Place, always_searched, places
from nemesis_sweep.spec.tasks import Tasks
from nemesis_sweep.spec.values import Values

Cell = tuple[str, int]
"""A dataset and a number of shots: what fixed values can depend on."""


@dataclass(frozen=True)
class CrossSection:
    """The sections as far as they are valid, for the checks that need more than one of them.

    unsure: names of method fields whose value or dimension is there but not valid: nothing may be
    concluded from them. A section that is None is not valid and not judged. text_blocks: blocks of the text
    tower of a backbone, as ``KnownNames`` has it; None where no names are known. image_blocks: of its image
    tower.
    """

    method: MethodSection
    space: Space
    tasks: Tasks | None = None
    search: Search | None = None
    budget: Budget | None = None
    unsure: frozenset[str] = frozenset()
    text_blocks: Callable[[str], int | None] | None = None
    image_blocks: Callable[[str], int | None] | None = None
    places: list[Place] = field(init=False)
    always: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", list(places(self.space)))
        object.__setattr__(self, "always", frozenset(always_searched(self.space)))

    @property
    def cells(self) -> list[Cell]:
        """Dataset and shots of the tasks; where those are not valid, all that have values of their own."""
        if self.tasks:
            return list(product(self.tasks.dataset, self.tasks.shots))
        return list(product(["", *self.method.per_dataset], [0, *self.method.per_shots]))

    def fixed_value(self, name: str, cell: Cell) -> Any:
        """Return what `name` is for the tasks of a dataset and shots while it is not searched."""
        return self.method.values(*cell).get(name, self.method.method_fields()[name].default)

    def values(self, cell: Cell, point: Values) -> dict[str, Any]:
        """Return the whole method of a trial at `point` for a dataset and shots, as constraints see it."""
        defaults = {name: field.default for name, field in self.method.method_fields().items()}
        return visible_values({**defaults, **self.method.values(*cell), **point})

    def of_kind(self, prompt: str) -> CrossSection:
        """Return the same with the trials of one kind of prompt alone, where kinds are searched."""
        chosen = self.space.get("prompt")
        if not isinstance(chosen, Choice) or prompt not in chosen.choices:
            return self
        opened = chosen.opens[chosen.choices.index(prompt)]
        return replace(self, space={**self.space, "prompt": Choice(choices=[prompt], opens=[opened])})

    def possible(self, name: str, place: Place | None = None, cell: Cell | None = None) -> list[Any]:
        """Return the values that `name` can have, the bounds standing for a range.

        At `place` only those that can meet this dimension in one trial, for `cell` only its own.
        """
        if place is not None and name in place.taken:
            return [place.taken[name]]
        visible = place.visible if place else [(found.name, found.dimension) for found in self.places]
        values = [value for found, dimension in visible if found == name for value in extremes(dimension)]
        if name not in self.always:
            cells = self.cells if cell is None else [cell]
            values += [self.fixed_value(name, each) for each in cells]
        return values


def extremes(dimension: Dimension) -> list[Any]:
    """Return the choices, or the lowest and the highest value."""
    return list(dimension.choices) if isinstance(dimension, Choice) else list(dimension.bounds)
