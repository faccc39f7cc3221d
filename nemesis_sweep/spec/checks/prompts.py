"""What kinds of prompts and optimisers cannot do: others' fields, and other class names."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.owned import owners_of, tables

CHOSEN: tuple[Path, ...] = (("method", "prompt"), ("space", "prompt"))


def prompt_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield fixed fields of other kinds and optimisers, and kinds that the sweep's protocol cannot test."""
    yield from _fields_of_others(parts)
    if "prompt" not in parts.unsure:
        yield from _cannot_transfer(parts, list(dict.fromkeys(parts.possible("prompt"))))


def _fields_of_others(parts: CrossSection) -> Iterator[Fault]:
    kinds = parts.method.kinds
    for path, layer in parts.method.all_layers():
        for name, value in layer.items():
            for field, own in owners_of(name, kinds).items():
                chosen = list(dict.fromkeys(parts.possible(field)))
                if field not in parts.unsure and set(chosen) <= set(tables(kinds)[field]) - set(own):
                    related: tuple[Path, ...] = (("method", field), ("space", field))
                    allowed = f"without it, or {field}: {' or '.join(own)}"
                    message = f"{_none_of(chosen)} {name}"
                    yield Fault((*path, name), message, shown(value), allowed, related=related)


def _none_of(chosen: list[str]) -> str:
    return f"{chosen[0]} has no" if len(chosen) == 1 else f"none of {listed(chosen)} has"


def _cannot_transfer(parts: CrossSection, kinds: list[str]) -> Iterator[Fault]:
    if parts.tasks is None or parts.tasks.protocol == "few_shot" or "tasks.protocol" in parts.unsure:
        return
    table = parts.method.kinds
    bound = [kind for kind in kinds if kind in table and not table[kind].transfers]
    if bound:
        message = f"{listed(bound)} cannot be tested on classes that it was not trained on"
        free = [kind for kind, entry in table.items() if entry.transfers]
        allowed = f"few_shot, or prompt: {' or '.join(free)}"
        yield Fault(("tasks", "protocol"), message, shown(parts.tasks.protocol), allowed, related=CHOSEN)
