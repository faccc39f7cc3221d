"""What is proposed for the next sweep, in words and as dimensions."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nemesis_sweep.messages.faults import listed
from nemesis_sweep.report.following.edges import LOW, Edge, crowded_edges
from nemesis_sweep.report.following.rising import BEST, Rise, still_rising
from nemesis_sweep.report.following.widening import widened
from nemesis_sweep.report.page.searches import Search
from nemesis_sweep.spec.dimensions import Choice, Dimension
from nemesis_sweep.spec.space import Place
from nemesis_sweep.spec.sweep import JOINT, Sweep


@dataclass(frozen=True)
class Proposal:
    """A wider range of one dimension. after: None where nothing lies beyond the edge."""

    place: Place
    after: Dimension | None
    edges: Sequence[Edge]

    @property
    def text(self) -> str:
        """Why, and what is proposed, in one line."""
        told = "; ".join(f"{each.hits} of the best {each.of} trials of {each.task}" for each in self.edges)
        edge = self.edges[0]
        zone = _zone(self.place.dimension, edge.side)
        of = range_text(self.place.dimension)
        why = f"{edge.name}: {told} have {zone} of {of} (by chance {edge.chance:.0%})"
        if self.after is None:
            return f"{why}; nothing lies beyond it."
        return f"{why}; try {range_text(self.after)}."


def proposals(found: Sequence[Search]) -> list[Proposal]:
    """The dimensions of a sweep at whose edges best trials crowd, with wider ranges. found: its searches."""
    if not found:
        return []
    sweep = found[0].sweep.sweep
    ranked = [(search.label, [row.params for row in search.ranked]) for search in found]
    by_edge: dict[tuple[Any, ...], list[Edge]] = {}
    for edge in crowded_edges(sweep.space, ranked):
        by_edge.setdefault((*edge.place.path, edge.side), []).append(edge)
    return [
        Proposal(
            edges[0].place,
            widened(edges[0].place.name, edges[0].place.dimension, edges[0].side, type(sweep.method)),
            edges,
        )
        for edges in by_edge.values()
    ]


def rising(found: Sequence[Search]) -> list[str]:
    """Of which tasks the best trials still improve when they end: a line for each length of training."""
    by_epochs: dict[int, list[tuple[Search, Rise]]] = {}
    for search in found:
        if search.study.key == JOINT:
            continue  # The steps of one task follow on those of another.
        best = [search.trials[row.number].intermediate_values for row in search.ranked[:BEST]]
        rise = still_rising(best, search.sign)
        if rise is not None:
            most = max(max(curve, default=0) for curve in best)
            by_epochs.setdefault(most, []).append((search, rise))
    return [_rising(most, known) for most, known in by_epochs.items()]


def _rising(epochs: int, known: Sequence[tuple[Search, Rise]]) -> str:
    gains = sorted(rise.gain for _, rise in known)
    by = f"{gains[0]:.1f}" if len(gains) == 1 else f"{gains[0]:.1f} to {gains[-1]:.1f}"
    return (
        f"{listed([search.label for search, _ in known])}: {known[0][0].objective} of the best trials still "
        f"improves over the second half of the training, by {by} on average, beyond noise: more than "
        f"{epochs} epochs may do better; try {2 * epochs}."
    )


def with_proposals(data: dict[str, Any], accepted: Sequence[Proposal]) -> dict[str, Any]:
    """The plain data of a sweep file with wider ranges. data: as of ``spec.dump.resolved``."""
    data = copy.deepcopy(data)
    for each in accepted:
        assert each.after is not None
        place: Any = data
        for key in each.place.path:
            place = place[key]
        side = each.edges[0].side
        if isinstance(each.after, Choice):
            more = [choice for choice in each.after.choices if choice not in place["choices"]]
            place["choices"] = [*more, *place["choices"]] if side == LOW else [*place["choices"], *more]
        else:
            place[side] = getattr(each.after, side)
    return data


def range_text(dimension: Dimension) -> str:
    """`1 to 100`, or the choices."""
    if isinstance(dimension, Choice):
        return ", ".join(f"{each:g}" if isinstance(each, float) else str(each) for each in dimension.choices)
    return f"{dimension.low:g} to {dimension.high:g}"


def _zone(dimension: Dimension, side: str) -> str:
    end = "lowest" if side == LOW else "highest"
    return f"the {end}" if isinstance(dimension, Choice) else f"the {end} tenth"


def unchanged_reason(sweep: Sweep, found: Sequence[Search]) -> str:
    """Why no range is proposed to be wider."""
    most = max((len(search.ranked) for search in found), default=0)
    if not sweep.space:
        return "nothing was searched"
    if most < 10:
        return f"no task has the 10 complete trials from which edges are looked at (the most are {most})"
    return "the best trials crowd at no edge of a range"
