"""Dimensions that could change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from nemesis_sweep.messages.faults import Fault, shown
from nemesis_sweep.spec.choices import ANNEAL_FIELDS, SELECTIONS
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.kinds import KINDS
from nemesis_sweep.spec.owned import owners_of, tables
from nemesis_sweep.spec.prompts import Kinds
from nemesis_sweep.spec.values import Values


@dataclass(frozen=True)
class Need:
    """A dimension matters only where the field `name` has a value that `matters`.

    alone: the need is none of a prompt that has several vectors at one position anyway. only: the kinds of
    prompts whose need it is; of all where there are none.
    """

    name: str
    matters: Callable[[Any], bool]
    why: str
    allowed: str
    alone: bool = False
    only: tuple[str, ...] = ()

    def is_met(self, value: Any, prompt: Any, kinds: Kinds = KINDS) -> bool:
        """Whether a value of the field `name` lets the dimension matter, with a kind of prompt."""
        several = self.alone and prompt in kinds and kinds[prompt].several
        others = bool(self.only) and prompt not in self.only
        return several or others or self.matters(value)


PENALTY = Need("omega", lambda omega: omega > 0, "there is no penalty", "an omega above 0")
PAN = Need("beta", lambda beta: beta < 1, "the penalty is PUN only", "a beta below 1")
CORRUPTED = Need(
    "selection",
    lambda selection: SELECTIONS[selection].corrupts,
    "positions are selected without corrupting them",
    f"selection: {' or '.join(name for name, one in SELECTIONS.items() if one.corrupts)}",
)
BY_CLASS = Need("csc", lambda csc: csc is True, "all classes share one context", "csc: true", alone=True)
NO_WORDS = Need("words", lambda words: words is None, "the words decide the length", "no words")
BESIDE = Need(
    "prograd",
    lambda prograd: prograd > 0,
    "coop has it for prograd alone",
    "a prograd above 0",
    only=("coop",),
)
AVERAGED = Need(
    "average", lambda average: average != "none", "what the last epoch leaves is kept", "average: gaussian"
)

NEEDS: dict[str, tuple[Need, ...]] = {
    "beta": (PENALTY,),
    "norm": (PENALTY,),
    "anneal": (PENALTY,),
    **dict.fromkeys(ANNEAL_FIELDS, (PENALTY,)),
    "corruption": (PENALTY, PAN, CORRUPTED),
    "corrupt_by": (PENALTY, PAN, CORRUPTED),
    "n_positions": (PENALTY, PAN),
    "selection": (PENALTY, PAN),
    "reduction": (PENALTY, BY_CLASS),
    "n_ctx": (NO_WORDS,),
    "anchor_template": (BESIDE,),
    "average_mean": (AVERAGED,),
    "average_std": (AVERAGED,),
}


def _owned(name: str, kinds: Kinds) -> Iterator[Need]:
    """Yield what a field needs that only some kinds of prompts have, or only some optimisers."""
    for field, own in owners_of(name, kinds).items():
        why = f"only {' and '.join(own)} {'has' if len(own) == 1 else 'have'} it"
        if field == "prompt" and own == [key for key, kind in kinds.items() if kind.trains]:
            why = "no prompt is trained"
        # What is no name of the table may have any field.
        idle = frozenset(tables(kinds)[field]) - set(own)
        yield Need(field, _not_among(idle), why, f"{field}: {' or '.join(own)}")


def _not_among(idle: frozenset[str]) -> Callable[[Any], bool]:
    return lambda value: value not in idle


def needs_of(name: str, kinds: Kinds = KINDS) -> tuple[Need, ...]:
    """Everything without which a field of the method changes nothing."""
    return (*_owned(name, kinds), *NEEDS.get(name, ()))


@cache
def _own_needs(name: str) -> tuple[Need, ...]:
    """Of the kinds that are here; asked for every point of a space."""
    return needs_of(name)


def matters(name: str, values: Values) -> bool:
    """Whether a field of a method changes anything beside the others' values, as far as they are known."""
    needs = (need for need in _own_needs(name) if need.name in values)
    return all(need.is_met(values[need.name], values.get("prompt")) for need in needs)


def possibly_idle(parts: CrossSection) -> Iterator[str]:
    """Yield the names of dimensions that change nothing beside some of the others' values."""
    table = parts.method.kinds
    for place in parts.places:
        kinds = parts.possible("prompt", place)
        pairs = (
            (need, value)
            for need in needs_of(place.name, table)
            for value in parts.possible(need.name, place)
        )
        if not all(need.is_met(value, kind, table) for need, value in pairs for kind in kinds):
            yield place.name


def idle_dimension_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield the dimensions that cannot matter in any trial, because of a value fixed elsewhere."""
    written = {name for _, layer in parts.method.all_layers() for name in layer}
    for place in parts.places:
        for need in needs_of(place.name, parts.method.kinds):
            if need.name in parts.unsure:
                continue
            values = parts.possible(need.name, place)
            kinds = parts.possible("prompt", place)
            if not any(need.is_met(value, kind, parts.method.kinds) for value in values for kind in kinds):
                value = shown(values[0])
                default = need.name not in written and need.name not in place.taken
                found = f"{need.name}: {value} (the default)" if default else f"{need.name}: {value}"
                yield Fault(
                    place.path,
                    f"searching {place.name} can change nothing, as {need.why}",
                    found,
                    f"{need.allowed}, fixed or searched",
                    related=(("method", need.name), ("space", need.name)),
                )
