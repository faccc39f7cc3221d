"""More context vectors than a backbone's texts have room for: no trial with them could begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nemesis_sweep.messages.faults import Fault, Path, shown
from nemesis_sweep.spec.cross_section import CrossSection, extremes

BESIDE = 4
"""Tokens beside the context at the least: start, a name of one token, the full stop and the end."""


def context_room_faults(parts: CrossSection, length_of: Callable[[str], int | None]) -> Iterator[Fault]:
    """Yield every `n_ctx` that leaves no room for the shortest class name.

    length_of: tokens in a text of a backbone, None where that is not known before its weights are.
    """
    if parts.tasks is None or not parts.unsure.isdisjoint({"n_ctx", "words", "tasks.backbone"}):
        return
    lengths = {name: length_of(name) for name in parts.tasks.backbone}
    known = {name: length for name, length in lengths.items() if length is not None}
    if not known:
        return
    narrow = min(known, key=lambda name: known[name])
    room = known[narrow] - BESIDE
    for path, most in _asked(parts):
        if most > room:
            message = f"more context vectors than the texts of {narrow} have room for"
            allowed = f"at most {room} of its {known[narrow]} tokens, beside start, name, full stop and end"
            yield Fault(path, message, shown(most), allowed, related=(("tasks", "backbone"),))


def _asked(parts: CrossSection) -> Iterator[tuple[Path, int]]:
    """Where `n_ctx` is written, and the most of it there."""
    for place in parts.places:
        if place.name == "n_ctx":
            yield place.path, max(extremes(place.dimension))
    for path, layer in parts.method.all_layers():
        if "n_ctx" in layer and layer.get("words") is None:
            yield (*path, "n_ctx"), layer["n_ctx"]
