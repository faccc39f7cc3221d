"""What kinds of prompts and optimisers cannot do: others' fields, other class names, some backbones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.cross_section import CrossSection, extremes
from nemesis_sweep.spec.owned import owners_of, tables
from nemesis_sweep.spec.prompts import reads_of

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


def backbone_faults(parts: CrossSection, no_patches: Callable[[str], str]) -> Iterator[Fault]:
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


def depth_faults(parts: CrossSection, text_blocks: Callable[[str], int | None]) -> Iterator[Fault]:
    """Yield backbones that take no vectors in the blocks of their text tower, where a kind has them, and
    depths that none of a sweep's towers has."""
    if parts.tasks is None or not parts.unsure.isdisjoint({"prompt", "prompt_depth", "tasks.backbone"}):
        return
    table = parts.method.kinds
    possible = dict.fromkeys(parts.possible("prompt"))
    kinds = [kind for kind in possible if kind in table and table[kind].between_blocks]
    for name in parts.tasks.backbone if kinds else ():
        there = text_blocks(name)
        if there == 0:
            message = f"{listed(kinds)} cannot reach into the blocks of a Hugging Face text encoder"
            allowed = "a text tower of open_clip's own, as of ViT-B-16, or another prompt"
            yield Fault(("tasks", "backbone"), message, shown(name), allowed, related=CHOSEN)
        elif there is not None:
            yield from _deeper_than(parts, name, there)


def _deeper_than(parts: CrossSection, backbone: str, there: int) -> Iterator[Fault]:
    """Yield every place where a depth is written that a backbone does not have."""
    name = "prompt_depth"
    written = [(place.path, extremes(place.dimension)) for place in parts.places if place.name == name]
    written += [((*path, name), [layer[name]]) for path, layer in parts.method.all_layers() if name in layer]
    for path, values in written:
        most = max((value for value in values if value is not None), default=0)
        if most > there:
            message = f"deeper than the text tower of {backbone}"
            yield Fault(path, message, shown(most), f"at most {there}", related=(("tasks", "backbone"),))
