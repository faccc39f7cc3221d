"""What kinds of prompts and optimisers cannot do: others' fields, other class names, some backbones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.cross_section import CrossSection, extremes
from nemesis_sweep.spec.kinds import ROWS
from nemesis_sweep.spec.names import KnownNames
from nemesis_sweep.spec.owned import owners_of, tables
from nemesis_sweep.spec.prompt_fields import DEPTH, LAST, TEXT_DEPTH
from nemesis_sweep.spec.prompts import Kind
from nemesis_sweep.spec.reads import PATCHES, PIXELS
from nemesis_sweep.spec.space import Place

CHOSEN: tuple[Path, ...] = (("method", "prompt"), ("space", "prompt"))
ASKED: tuple[Path, ...] = (("search", "baselines"),)


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


@dataclass(frozen=True)
class _Need:
    """What some kinds do, and need a backbone for. of: whether a kind does. verb: of one kind and of several.
    lacking: why a backbone, by its name, has nothing for it, or ''. there: backbones that have."""

    of: Callable[[Kind], bool]
    verb: tuple[str, str]
    what: str
    lacking: Callable[[str], str]
    there: str


def _needs(known: KnownNames) -> Iterator[_Need]:
    if (lacking := known.no_patches) is not None:
        there = "open_clip's own ResNets and ViTs, such as RN50"
        verb = ("reads", "read")
        yield _Need(lambda kind: kind.reads == PATCHES, verb, "the parts of an image", lacking, there)
    if (lacking := known.no_image_blocks) is not None:
        there, verb = "open_clip's own ViTs, such as ViT-B-16", ("puts", "put")
        yield _Need(lambda kind: kind.reads == PIXELS, verb, "vectors into the image tower", lacking, there)
    if (lacking := known.several_features) is not None:
        there, verb = "a backbone that has one", ("needs", "need")
        yield _Need(lambda kind: kind.one_feature, verb, "one feature of an image", lacking, there)


def backbone_faults(parts: CrossSection, known: KnownNames) -> Iterator[Fault]:
    """Yield the backbones that a kind, or a row of `search.baselines`, cannot read."""
    if parts.tasks is None or not parts.unsure.isdisjoint({"prompt", "tasks.backbone"}):
        return
    table = parts.method.kinds
    possible = {kind: table[kind] for kind in parts.possible("prompt") if kind in table}
    rows = {row: ROWS[row] for row in (parts.search.baselines if parts.search else ()) if row in ROWS}
    for need in _needs(known):
        for kinds, other, related in (
            (possible, "another prompt", CHOSEN),
            (rows, "fewer baselines", ASKED),
        ):
            names = [name for name, kind in kinds.items() if need.of(kind)]
            for backbone in parts.tasks.backbone if names else ():
                if reason := need.lacking(backbone):
                    verb = need.verb[len(names) > 1]
                    message = f"{listed(names)} {verb} {need.what}, and {reason}"
                    allowed = f"{need.there}, or {other}"
                    yield Fault(("tasks", "backbone"), message, shown(backbone), allowed, related=related)


def depth_faults(parts: CrossSection, text_blocks: Callable[[str], int | None]) -> Iterator[Fault]:
    """Yield backbones that take no vectors in the blocks of their text tower, where a kind has them, and
    depths that none of a sweep's towers has."""
    if parts.tasks is None or not parts.unsure.isdisjoint({"prompt", TEXT_DEPTH, "tasks.backbone"}):
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
            yield from _deeper_than(parts, TEXT_DEPTH, there, f"deeper than the text tower of {name}")


def image_depth_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield more blocks of the image tower than one of a sweep's has, and more blocks with vectors of their
    own than there are with vectors."""
    if parts.tasks is None or not parts.unsure.isdisjoint(
        {"prompt", LAST, DEPTH, TEXT_DEPTH, "tasks.backbone"}
    ):
        return
    table = parts.method.kinds
    if not any(kind in table and table[kind].in_image_tower for kind in parts.possible("prompt")):
        return

    def of_both(kind: Any) -> bool:
        return kind in table and table[kind].one_depth

    blocks_of = parts.image_blocks or (lambda name: None)
    towers = {name: blocks for name in parts.tasks.backbone if (blocks := blocks_of(name))}
    for backbone, blocks in towers.items():
        yield from _deeper_than(parts, LAST, blocks, f"more blocks than the image tower of {backbone} has")
    fewest = min(towers.values(), default=None)
    names = [DEPTH, *[TEXT_DEPTH] * any(of_both(kind) for kind in parts.possible("prompt"))]
    for path, values, place in (each for name in names for each in _written(parts, name)):
        if path[-1] == TEXT_DEPTH and not any(of_both(kind) for kind in parts.possible("prompt", place)):
            continue
        most = max((value for value in values if value is not None), default=0)
        lasts = [fewest if last is None else last for last in parts.possible(LAST, place)]
        least = min((last for last in lasts if last is not None), default=most)
        if most > least:
            message = "more blocks with vectors of their own than blocks that it can meet"
            related: tuple[Path, ...] = (("method", LAST), ("space", LAST), ("tasks", "backbone"))
            yield Fault(path, message, shown(most), f"at most {least}", related=related)


def _deeper_than(parts: CrossSection, name: str, there: int, message: str) -> Iterator[Fault]:
    """Yield every place where a number of blocks is written that a backbone does not have."""
    for path, values, _ in _written(parts, name):
        most = max((value for value in values if value is not None), default=0)
        if most > there:
            yield Fault(path, message, shown(most), f"at most {there}", related=(("tasks", "backbone"),))


def _written(parts: CrossSection, name: str) -> Iterator[tuple[Path, list[Any], Place | None]]:
    """Yield where a field is written, its values, of a range the bounds, and the dimension if it is one."""
    for place in parts.places:
        if place.name == name:
            yield place.path, extremes(place.dimension), place
    for path, layer in parts.method.all_layers():
        if name in layer:
            yield (*path, name), [layer[name]], None
