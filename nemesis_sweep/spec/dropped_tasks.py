"""Overrides that take tasks away: what the file says of those tasks alone goes with them."""

from __future__ import annotations

from typing import Any

TABLES = {"per_dataset": "dataset", "per_shots": "shots"}


def drop_lost(before: Any, data: Any) -> None:
    """Remove the entries of `method.per_dataset` and `method.per_shots` whose tasks overrides took away.

    before: the data of the file. data: the same with its overrides. An entry whose task the file itself
    does not have stays, and is told as the mistake that it is.
    """
    for table, axis in TABLES.items():
        entries, had, has = _inside(data, "method", table), _axis(before, axis), _axis(data, axis)
        if isinstance(entries, dict):
            for key in [key for key in entries if key in had and key not in has]:
                del entries[key]


def _axis(data: Any, axis: str) -> list[Any]:
    values = _inside(data, "tasks", axis)
    return values if isinstance(values, list) else [values]


def _inside(data: Any, section: str, key: str) -> Any:
    inner = data.get(section) if isinstance(data, dict) else None
    return inner.get(key) if isinstance(inner, dict) else None
