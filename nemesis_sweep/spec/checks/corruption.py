"""Corruption that the prompts of a sweep cannot have: told before hours of training end with it."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.messages.faults import Fault, Path, shown
from nemesis_sweep.spec.checks.position_room import NAMES, fewest_vectors
from nemesis_sweep.spec.checks.prompts import CHOSEN
from nemesis_sweep.spec.cross_section import CrossSection

HERE: Path = ("search", "corrupt")


def corrupt_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield positions beyond the vectors that a trial may have, and kinds of prompts without variants."""
    asked = parts.search.corrupt if parts.search is not None else None
    if asked is None or not parts.unsure.isdisjoint((*NAMES, "search.corrupt")):
        return
    table = parts.method.kinds
    trained = [kind for kind in parts.possible("prompt") if kind in table and table[kind].trains]
    for kind in trained:
        if not table[kind].variants:
            message = f"the vectors of {kind} cannot be corrupted, as its classifier gives no variants"
            yield Fault(HERE, message, "", "a sweep of other prompts", related=CHOSEN)
    there = fewest_vectors(parts)
    if there is not None and asked.positions and max(asked.positions) > there[0]:
        allowed = f"at most {there[0]}, {there[1]}"
        related: tuple[Path, ...] = (("method", "n_ctx"), ("space", "n_ctx"))
        message = "a position beyond the context"
        yield Fault((*HERE, "positions"), message, shown(max(asked.positions)), allowed, related=related)
