"""The configurations of `search.points`, which are tried before the first proposal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nemesis_sweep.messages.errors import nearest
from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.dimensions import Choice, Dimension, Space
from nemesis_sweep.spec.names import Reading
from nemesis_sweep.spec.space import check_value, searched_names


def point_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield the values of points that the method refuses or that lie outside of the space."""
    if parts.search is None or "search.points" in parts.unsure or "space" in parts.unsure:
        return
    for number, point in enumerate(parts.search.points):
        path: Path = ("search", "points", number)
        yield from _point_faults(point, path, parts)


def _point_faults(point: dict[str, Any], path: Path, parts: CrossSection) -> Iterator[Fault]:
    drawn = _drawn(parts.space, point)
    searched = searched_names(parts.space)
    reading = Reading(None, type(parts.method))
    for name, value in point.items():
        where = (*path, name)
        if name in parts.unsure:
            continue
        if name not in parts.method.method_fields():
            yield Fault(where, "unknown key", "", listed(searched), nearest(name, searched))
        elif name not in searched:
            allowed = (
                f"a searched name ({listed(searched) or 'there is none'}); fixed values stand under method"
            )
            yield Fault(where, "not searched", shown(value), allowed)
        elif name not in drawn:
            allowed = "beside it, the choice that opens it"
            yield Fault(
                where, "searched only under a choice that this point does not take", shown(value), allowed
            )
        else:
            yield from _outside(name, value, drawn[name], where, reading)


def _outside(name: str, value: Any, dimension: Dimension, where: Path, reading: Reading) -> Iterator[Fault]:
    _, faults = check_value(name, value, where, reading)
    yield from faults
    if not faults and not dimension.contains(value):
        if isinstance(dimension, Choice):
            allowed = listed([shown(choice) for choice in dimension.choices])
        else:
            allowed = " to ".join(shown(bound) for bound in dimension.bounds)
            allowed += f" in steps of {shown(dimension.step)}" if dimension.step not in (None, 1) else ""
        yield Fault(where, "outside of the search space", shown(value), allowed, related=(("space", name),))


def _drawn(space: Space, values: dict[str, Any]) -> Space:
    """Return the dimensions that are certain to be drawn where the choices among `values` are taken."""
    drawn = dict(space)
    for name, dimension in space.items():
        if isinstance(dimension, Choice) and name in values and dimension.contains(values[name]):
            drawn |= _drawn(dimension.opened_by(values[name]), values)
    return drawn
