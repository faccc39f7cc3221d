"""Parts that are named in a sweep file: where the code of each is, for tables that import none of it."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def part_at(place: Any) -> Any:
    """Return what stands at `module:Name`; what is no text is the part itself."""
    if not isinstance(place, str):
        return place
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
