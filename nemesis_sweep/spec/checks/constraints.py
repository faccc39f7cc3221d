"""Constraints of a sweep file that could exclude nothing, or everything, or a point of the user's."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.faults import Fault, Path, shown
from nemesis_sweep.spec.cross_section import Cell, CrossSection
from nemesis_sweep.spec.draw import Point, all_points, random_point, size
from nemesis_sweep.spec.expression import Condition
from nemesis_sweep.spec.space import searched_names

TRIES = 4000
PATH: Path = ("search", "constraints")


def constraint_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield the constraints that do not go together with the space, the fixed values or the points."""
    search = parts.search
    if search is None or not search.constraints or "space" in parts.unsure or "method" in parts.unsure:
        return
    names = set(searched_names(parts.space)) | parts.unsure
    limits = [condition for condition in search.conditions if not condition.metrics]
    for number, condition in enumerate(search.conditions):
        if condition in limits and condition.parameters.isdisjoint(names):
            limits.remove(condition)
            allowed = "at least one searched parameter or metric"
            yield Fault(
                (*PATH, number), "nothing in it is searched or measured", shown(condition.text), allowed
            )
    if any(name.startswith(("space.", "search.", "method.", "tasks.")) for name in parts.unsure):
        return
    if limits:
        yield from _excluded_points(parts, limits, search.points)
        yield from _nothing_left(parts, limits)


def _excluded_points(
    parts: CrossSection, limits: list[Condition], points: Sequence[Point]
) -> Iterator[Fault]:
    for number, point in enumerate(points):
        for condition in limits:
            # What a point leaves out is drawn later, so nothing can be said of it here.
            drawn = set(searched_names(parts.space)) - set(point)
            if not condition.parameters.isdisjoint(drawn):
                continue
            if not any(condition.kept(parts.values(cell, point)) for cell in parts.cells):
                path: Path = ("search", "points", number)
                yield Fault(path, "breaks a constraint", shown(point), condition.text, related=(PATH,))


def _nothing_left(parts: CrossSection, limits: list[Condition]) -> Iterator[Fault]:
    """Yield the constraints that no point keeps; tried are all points, or random ones."""
    count = size(parts.space)
    finite = count is not None and count <= TRIES
    rng = random.Random(0)
    tried = (
        list(all_points(parts.space)) if finite else [random_point(parts.space, rng) for _ in range(TRIES)]
    )
    for cell in parts.cells:
        kept = (point for point in tried if all(limit.kept(parts.values(cell, point)) for limit in limits))
        if not list(islice(kept, 1)):
            points = counted(len(tried), "point" if finite else "random point")
            found = f"none of {'all ' if finite else ''}{points}{_whose(parts, cell)}"
            allowed = "constraints that some points of the space keep"
            yield Fault(
                PATH, "no point of the space keeps the constraints", found, allowed, related=(("space",),)
            )
            return


def _whose(parts: CrossSection, cell: Cell) -> str:
    """Return whose fixed values are meant, where not all tasks have the same."""
    dataset, shots = cell
    own = [f"for {dataset}"] * bool(dataset)
    own += [f"with {counted(shots, 'shot')}"] * bool(parts.method.per_shots)
    return "".join(f" {part}" for part in own)
