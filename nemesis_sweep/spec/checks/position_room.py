"""PAN positions that a prompt does not have."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.messages.faults import Fault, Path, shown
from nemesis_sweep.spec.cross_section import Cell, CrossSection, extremes
from nemesis_sweep.spec.prompt_fields import DEPTH, LAST, TEXT_DEPTH, VECTORS
from nemesis_sweep.spec.prompts import Kind
from nemesis_sweep.spec.space import Place

NAMES = ("n_positions", "n_ctx", "words", "prompt", TEXT_DEPTH, VECTORS, LAST, DEPTH)


def position_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield the `n_positions` that exceed the number of vectors that a trial may have.

    Where that is not known, as of a kind from outside without `n_ctx`, a trial says so when it begins.
    """
    if not parts.unsure.isdisjoint(NAMES):
        return
    for place in parts.places:
        if place.name == "n_positions":
            drawn, there = max(extremes(place.dimension)), _least(parts, place)
            if there is not None and drawn > there[0]:
                yield _too_many(place.path, drawn, *there)
    if "n_positions" not in parts.always:
        yield from _fixed_positions(parts)


def _fixed_positions(parts: CrossSection) -> Iterator[Fault]:
    paths = set()
    for cell in parts.cells:
        drawn = parts.fixed_value("n_positions", cell)
        there = _least(parts, None, cell)
        written = [place for place, layer in parts.method.layers(*cell) if "n_positions" in layer]
        path: Path = (*(written[-1] if written else ("method",)), "n_positions")
        if there is not None and drawn > there[0] and path not in paths:
            paths.add(path)
            yield _too_many(path, drawn, *there)


def fewest_vectors(parts: CrossSection) -> tuple[int, str] | None:
    """The fewest vectors that a prompt of any task may have, and what they are; None where nobody knows."""
    found = [_least(parts, None, cell) for cell in parts.cells]
    return min((each for each in found if each is not None), default=None)


def _least(parts: CrossSection, place: Place | None, cell: Cell | None = None) -> tuple[int, str] | None:
    """The fewest vectors that are possible, and what they are; None where no kind's are known."""
    every, kinds = parts, parts.method.kinds
    found = []
    for prompt in every.possible("prompt", place, cell):
        if prompt not in kinds:
            continue
        # What can meet a dimension stands in its place; else it is what a kind's own trials have.
        parts = every if place is not None else every.of_kind(prompt)
        towers = list(_by_tower(parts, kinds[prompt], place, cell))
        counts = [count for count, _ in towers if count is not None]
        if counts and len(counts) == len(towers):
            found.append((sum(counts), " plus ".join(what for _, what in towers)))
    return min(found, default=None)


def _by_tower(
    parts: CrossSection, kind: Kind, place: Place | None, cell: Cell | None
) -> Iterator[tuple[int | None, str]]:
    """Yield the fewest vectors of a kind in each tower, None where that is not known, and what they are."""
    if "n_ctx" in kind.names:
        length = min(_lengths(parts, kind, place, cell))
        if kind.between_blocks:
            blocks = _blocks(parts, place, cell)
            if kind.one_depth and None in parts.possible(TEXT_DEPTH, place, cell):
                blocks = min([each for each in (blocks, _last(parts, place, cell)) if each], default=None)
            what = f"the smallest n_ctx times {TEXT_DEPTH} it can meet"
            yield (None if blocks is None else length * blocks), what
        else:
            yield length, "the smallest n_ctx it can meet"
    if kind.own_in_image_tower:
        blocks = _image_blocks(parts, place, cell)
        what = f"the smallest {VECTORS} times blocks with their own that it can meet"
        yield (None if blocks is None else min(parts.possible(VECTORS, place, cell)) * blocks), what


def _lengths(parts: CrossSection, kind: Kind, place: Place | None, cell: Cell | None) -> list[int]:
    """Return the numbers of context vectors that are possible; given words make at least one each, of a kind
    that takes any."""
    words = parts.possible("words", place, cell) if "words" in kind.names else [None]
    lengths = [len(text.replace("_", " ").split()) for text in words if text is not None]
    return lengths + parts.possible("n_ctx", place, cell) if None in words else lengths


def _blocks(parts: CrossSection, place: Place | None, cell: Cell | None) -> int | None:
    """The fewest blocks that have vectors of their own; None where a tower's are not known."""
    depths = parts.possible(TEXT_DEPTH, place, cell)
    backbones = parts.tasks.backbone if parts.tasks and "tasks.backbone" not in parts.unsure else []
    there = [parts.text_blocks(name) for name in backbones] if parts.text_blocks else []
    towers = [blocks for blocks in there if blocks] if None in depths else []
    return min([*(depth for depth in depths if depth is not None), *towers], default=None)


def _image_blocks(parts: CrossSection, place: Place | None, cell: Cell | None) -> int | None:
    """The same of the image tower."""
    depths = parts.possible(DEPTH, place, cell)
    last = [_last(parts, place, cell)] if None in depths else []
    return min([each for each in (*depths, *last) if each is not None], default=None)


def _last(parts: CrossSection, place: Place | None, cell: Cell | None) -> int | None:
    """The fewest blocks that vectors of the image tower are put before; None where these are not known."""
    lasts = parts.possible(LAST, place, cell)
    backbones = parts.tasks.backbone if parts.tasks and "tasks.backbone" not in parts.unsure else []
    there = [parts.image_blocks(name) for name in backbones] if parts.image_blocks else []
    towers = [blocks for blocks in there if blocks] if None in lasts else []
    return min([*(last for last in lasts if last is not None), *towers], default=None)


def _too_many(path: Path, drawn: int, there: int, what: str) -> Fault:
    message = "more positions than context vectors"
    related: tuple[Path, ...] = tuple(
        (section, name) for section in ("method", "space") for name in NAMES[1:]
    )
    return Fault(path, message, shown(drawn), f"at most {there}, {what}", related=related)
