"""PAN's test of vectors for kinds of prompts that give no variants: each of those trials would fail."""

from __future__ import annotations

import random
from collections.abc import Iterator

from nemesis_sweep.messages.faults import Fault, Path, shown
from nemesis_sweep.spec.checks.prompts import CHOSEN
from nemesis_sweep.spec.choices import SELECTIONS
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.draw import Point, all_points, random_point, size
from nemesis_sweep.spec.values import Values

TRIES = 300
"""Points that are looked at: all of a space that has no more of them, or random ones."""


def untested_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield a beta below 1 that can meet a kind without variants in one trial."""
    if parts.unsure:
        return
    table = parts.method.kinds
    blind = [kind for kind in parts.possible("prompt") if kind in table and not table[kind].variants]
    for point in _points(parts) if blind else ():
        for cell in parts.cells:
            values = parts.values(cell, point)
            if values["prompt"] in blind and tests_vectors(values):
                message = (
                    f"PAN cannot test the vectors of {values['prompt']}, whose classifier gives no variants"
                )
                allowed = "1 (PUN), or selection: random"
                yield Fault(_place(parts), message, shown(values["beta"]), allowed, related=CHOSEN)
                return


def tests_vectors(method: Values) -> bool:
    """Whether PAN tests vectors in a method, before it penalises some of them."""
    return bool(method["omega"] > 0 and method["beta"] < 1 and SELECTIONS[method["selection"]].corrupts)


def _points(parts: CrossSection) -> Iterator[Point]:
    count, rng = size(parts.space), random.Random(0)
    if count is not None and count <= TRIES:
        return all_points(parts.space)
    return (random_point(parts.space, rng) for _ in range(TRIES))


def _place(parts: CrossSection) -> Path:
    """Where beta is said."""
    searched = [place.path for place in parts.places if place.name == "beta"]
    written = [(*path, "beta") for path, layer in parts.method.all_layers() if "beta" in layer]
    return [*searched, *written, ("method", "beta")][0]
