"""What a kind of prompt, or a row of `search.baselines`, reads of an image and a backbone does not tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.checks.prompts import CHOSEN
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.kinds import ROWS
from nemesis_sweep.spec.names import KnownNames
from nemesis_sweep.spec.prompts import Kind
from nemesis_sweep.spec.reads import PATCHES, PIXELS

ASKED: tuple[Path, ...] = (("search", "baselines"),)


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


def image_faults(parts: CrossSection, known: KnownNames) -> Iterator[Fault]:
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
