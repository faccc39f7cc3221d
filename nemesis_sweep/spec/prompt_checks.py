"""Kinds of prompts and what they cannot do: fields of another kind, other class names, some backbones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nemesis_sweep.spec.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.prompts import applies, owners, reads_of
from nemesis_sweep.spec.together import Together

CHOSEN: tuple[Path, ...] = (("method", "prompt"), ("space", "prompt"))


def prompt_faults(parts: Together) -> Iterator[Fault]:
    """Yield fixed fields that no kind of the sweep has, and kinds that its protocol cannot test."""
    if "prompt" in parts.unsure:
        return
    kinds = list(dict.fromkeys(parts.possible("prompt")))
    yield from _fields_of_another_kind(parts, kinds)
    yield from _cannot_transfer(parts, kinds)


def _fields_of_another_kind(parts: Together, kinds: list[str]) -> Iterator[Fault]:
    for path, layer in parts.method.all_layers():
        for name, value in layer.items():
            if not any(applies(name, kind, parts.method.kinds) for kind in kinds):
                whose = f"{kinds[0]} has no" if len(kinds) == 1 else f"none of {listed(kinds)} has"
                allowed = f"without it, or prompt: {' or '.join(owners(name, parts.method.kinds))}"
                yield Fault((*path, name), f"{whose} {name}", shown(value), allowed, related=CHOSEN)


def _cannot_transfer(parts: Together, kinds: list[str]) -> Iterator[Fault]:
    if parts.tasks is None or parts.tasks.protocol == "few_shot" or "tasks.protocol" in parts.unsure:
        return
    table = parts.method.kinds
    bound = [kind for kind in kinds if kind in table and not table[kind].transfers]
    if bound:
        message = f"{listed(bound)} cannot be tested on classes that it was not trained on"
        free = [kind for kind, entry in table.items() if entry.transfers]
        allowed = f"few_shot, or prompt: {' or '.join(free)}"
        yield Fault(("tasks", "protocol"), message, shown(parts.tasks.protocol), allowed, related=CHOSEN)


def backbone_faults(parts: Together, no_patches: Callable[[str], str]) -> Iterator[Fault]:
    """Yield the backbones that a kind cannot read. no_patches: why one has no features of parts, or ''."""
    if parts.tasks is None or not parts.unsure.isdisjoint({"prompt", "tasks.backbone"}):
        return
    table = parts.method.kinds
    kinds = [kind for kind in dict.fromkeys(parts.possible("prompt")) if reads_of(kind, table) == "patches"]
    for name in parts.tasks.backbone if kinds else ():
        reason = no_patches(name)
        if reason:
            message = f"{listed(kinds)} reads the parts of an image, and {reason}"
            allowed = "open_clip's own ResNets and ViTs, such as RN50, or another prompt"
            yield Fault(("tasks", "backbone"), message, shown(name), allowed, related=CHOSEN)
