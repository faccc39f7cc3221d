"""Fields of the method that belong to single values of another field: to kinds of prompts, to optimisers,
to annealings."""

from __future__ import annotations

from nemesis_sweep.spec.choices import ANNEALINGS
from nemesis_sweep.spec.kinds import KINDS
from nemesis_sweep.spec.optimisers import OPTIMISERS
from nemesis_sweep.spec.prompts import Kinds
from nemesis_sweep.spec.values import Values


def tables(kinds: Kinds = KINDS) -> dict[str, Values]:
    """By field: its values, each with the names of the fields that are its own."""
    return {"prompt": kinds, "optimiser": OPTIMISERS, "anneal": ANNEALINGS}


def owners_of(name: str, kinds: Kinds = KINDS) -> dict[str, list[str]]:
    """Of each such field the values that ``name`` belongs to; empty where it belongs to all."""
    known = tables(kinds)
    found = {
        field: [key for key, entry in table.items() if name in entry.names] for field, table in known.items()
    }
    return {field: own for field, own in found.items() if 0 < len(own) < len(known[field])}


def applies(name: str, method: Values, kinds: Kinds = KINDS) -> bool:
    """Whether a field has a part in a method; unknown values may use any."""
    known = tables(kinds)
    return all(
        method.get(field) in own or method.get(field) not in known[field]
        for field, own in owners_of(name, kinds).items()
    )
