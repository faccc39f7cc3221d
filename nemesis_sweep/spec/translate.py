"""Pydantic's errors in our words: at which key, what was found, what is allowed, the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from nemesis_sweep.messages.errors import nearest
from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.allowed import allowed_at, names_at
from nemesis_sweep.spec.fields import LARGEST
from nemesis_sweep.spec.other_keys import NO_PLACES, meant_key

WRONG_TYPE = "wrong type"
OUT_OF_RANGE = "out of range"
NOT_ALLOWED = "not an allowed value"

MERGE = "<<"
"""What YAML 1.1 takes keys of another mapping by."""

MESSAGES = {
    "missing": "missing",
    "extra_forbidden": "unknown key",
    "invalid_key": "unknown key",
    "literal_error": NOT_ALLOWED,
    "greater_than": OUT_OF_RANGE,
    "greater_than_equal": OUT_OF_RANGE,
    "less_than": OUT_OF_RANGE,
    "less_than_equal": OUT_OF_RANGE,
    "finite_number": OUT_OF_RANGE,
    "too_short": "empty",
    "too_long": "too many",
    "string_too_short": "empty",
}


def faults_of(
    error: ValidationError,
    data: Any,
    model: type[BaseModel],
    path: Path = (),
    places: Mapping[str, str] = NO_PLACES,
) -> list[Fault]:
    """Return one fault per key that `error` complains about.

    data: what was validated by `model`. path: where `data` stands in the sweep file. places: the dotted paths
    of the keys of all sections, for those that stand in the wrong one.
    """
    by_place: dict[Path, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        by_place.setdefault(_place(detail, data), []).append(detail)
    return [
        fault for place, details in by_place.items() for fault in _faults(place, details, model, path, places)
    ]


def _place(detail: ErrorDetails, data: Any) -> Path:
    """Return the path of keys that exist in `data`: pydantic adds names of union members to its own."""
    place: list[Any] = []
    for part in detail["loc"]:
        key: Any = part
        if isinstance(data, dict) and (detail["type"] == "invalid_key" or "[key]" in detail["loc"]):
            # Pydantic tells such a key, a number or null, as text.
            key = next((written for written in data if str(written) == str(key)), key)
        if _holds(data, key):
            data = data[key]
        elif detail["type"] not in ("missing", "invalid_key"):
            continue
        place.append(key)
    at = detail.get("ctx", {}).get("at")
    return (*place, at) if at else tuple(place)


def _holds(data: Any, key: Any) -> bool:
    if isinstance(data, list):
        return isinstance(key, int) and key < len(data)
    return isinstance(data, dict) and key in data


def _faults(
    place: Path, details: list[ErrorDetails], model: type[BaseModel], path: Path, places: Mapping[str, str]
) -> Iterator[Fault]:
    """Yield the fault of one place; several details are the members of one union, of which none fits."""
    detail = min(details, key=lambda detail: detail["type"] not in MESSAGES)
    kind, context = detail["type"], detail.get("ctx", {})
    where = path + place
    if kind == "missing":
        yield Fault(where, MESSAGES[kind], allowed=allowed_at(model, place))
    elif kind in ("extra_forbidden", "invalid_key"):
        names = names_at(model, place[:-1])
        if place[-1] == MERGE:
            yield Fault(where, "merge keys are not read", "", "the keys themselves; *NAME repeats a value")
            return
        section = str(path[0]) if path else ""
        yield Fault(where, MESSAGES[kind], "", listed(names), meant_key(place[-1], names, section, places))
    elif kind == "unknown_name":
        yield Fault(where, detail["msg"], shown(detail["input"]), context["allowed"], context["nearest"])
    elif LARGEST in (context.get("le"), -context.get("ge", 0)):
        yield Fault(where, "infinite in fp32", shown(detail["input"]), f"at most {LARGEST:.4g}")
    elif kind in MESSAGES:
        near = _near(detail["input"], _expected(details))
        yield Fault(where, MESSAGES[kind], shown(detail["input"]), allowed_at(model, place), near)
    elif kind.endswith(("_type", "_parsing")):
        yield Fault(where, WRONG_TYPE, shown(detail["input"]), allowed_at(model, place))
    else:
        yield _own(detail, where)


def _near(name: Any, names: list[str]) -> str:
    return nearest(name, names) if isinstance(name, str) else ""


def _expected(details: list[ErrorDetails]) -> list[str]:
    """Return the names of a literal, read back from pydantic's "'a', 'b' or 'c'"."""
    text = " ".join(detail.get("ctx", {}).get("expected", "") for detail in details)
    return text.split("'")[1::2]


def _own(detail: ErrorDetails, where: Path) -> Fault:
    """Return the fault of an error that a model of ours raised: its text is ours, its context says where."""
    context = detail.get("ctx", {})
    found = detail["input"]
    related: tuple[Path, ...] = ()
    if "at" in context:
        found = found.get(context["at"]) if isinstance(found, dict) else None
        if "related" in context:
            related = ((*where[:-1], context["related"]),)
    return Fault(where, detail["msg"], shown(found), context.get("allowed", ""), "", related)
