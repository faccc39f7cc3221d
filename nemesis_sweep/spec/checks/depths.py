"""More blocks of a tower than a backbone has, or vectors in blocks that cannot be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.checks.prompts import CHOSEN
from nemesis_sweep.spec.cross_section import CrossSection, extremes
from nemesis_sweep.spec.prompt_fields import CLASS_BLOCK, DEPTH, LAST, TEXT_DEPTH
from nemesis_sweep.spec.space import Place


def depth_faults(parts: CrossSection, text_blocks: Callable[[str], int | None]) -> Iterator[Fault]:
    """Yield backbones that take no vectors in the blocks of their text tower, where a kind has them, and
    depths that none of a sweep's towers has."""
    if parts.tasks is None or not parts.unsure.isdisjoint(
        {"prompt", TEXT_DEPTH, CLASS_BLOCK, "tasks.backbone"}
    ):
        return
    table = parts.method.kinds
    possible = dict.fromkeys(parts.possible("prompt"))
    kinds = [kind for kind in possible if kind in table and table[kind].in_text_tower]
    for name in parts.tasks.backbone if kinds else ():
        there = text_blocks(name)
        if there == 0:
            message = f"{listed(kinds)} cannot reach into the blocks of a Hugging Face text encoder"
            allowed = "a text tower of open_clip's own, as of ViT-B-16, or another prompt"
            yield Fault(("tasks", "backbone"), message, shown(name), allowed, related=CHOSEN)
        elif there is not None:
            if any(table[kind].between_blocks for kind in kinds):
                yield from _deeper_than(parts, TEXT_DEPTH, there, f"deeper than the text tower of {name}")
            late = [kind for kind in kinds if CLASS_BLOCK in table[kind].names]
            if there == 1 and late:
                message = f"{listed(late)} needs a block of the text tower behind the first"
                allowed = "a text tower of two blocks or more, or another prompt"
                yield Fault(("tasks", "backbone"), message, f"{shown(name)}, with 1", allowed, related=CHOSEN)
            elif late:
                message = f"no block of the text tower of {name} is left behind so many"
                yield from _deeper_than(parts, CLASS_BLOCK, there - 1, message)


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
