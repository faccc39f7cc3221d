"""What a model accepts at a path of keys, as a short text, read off its JSON schema."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel

from nemesis_sweep.messages.faults import Key, Path, shown
from nemesis_sweep.spec.fields import LARGEST

Schema = dict[str, Any]

TYPES = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}
BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def allowed_at(model: type[BaseModel], path: Path) -> str:
    """Return what may stand at `path`, such as `a whole number >= 1`; '' where nothing is known."""
    return _describe(_at(model, path))


def names_at(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys of the mapping at `path`."""
    return list(_at(model, path).get("properties", {}))


@cache
def _schema(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def _at(model: type[BaseModel], path: Path) -> Schema:
    root = _schema(model)
    schema = root
    for key in path:
        schema = _resolved(_below(schema, key), root)
    return schema


def _below(schema: Schema, key: Key) -> Schema:
    if key in schema.get("properties", {}):
        found = schema["properties"][key]
    elif isinstance(key, int) and "items" in schema:
        found = schema["items"]
    else:
        found = schema.get("additionalProperties", {})
    return found if isinstance(found, dict) else {}


def _resolved(schema: Schema, root: Schema) -> Schema:
    members = [member for member in schema.get("anyOf", ()) if member.get("type") != "null"]
    if len(members) == 1:
        schema = members[0]  # What may be left out as null is what it is otherwise.
    reference = schema.get("$ref")
    found: Schema = root["$defs"][reference.removeprefix("#/$defs/")] if reference else schema
    return found


def _describe(schema: Schema) -> str:
    if "anyOf" in schema:
        parts = [_describe(member) for member in schema["anyOf"] if member.get("type") != "null"]
        return " or ".join(part for part in parts if part)
    if "enum" in schema:
        return ", ".join(str(name) for name in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return _list_of(_describe(schema.get("items", {})), schema.get("one", False))
    if schema.get("type") == "object":
        names = list(schema.get("properties", {}))
        return f"a mapping with {', '.join(names)}" if names else "a mapping"
    return _number_or_text(schema)


def _list_of(item: str, or_one: bool) -> str:
    if or_one:
        return f"{item}, or a list"
    return f"a list ({item})" if item else "a list"


def _number_or_text(schema: Schema) -> str:
    text = TYPES.get(schema.get("type", ""), "")
    bounds = [
        f"{sign} {shown(schema[word])}"
        for word, sign in BOUNDS.items()
        if word in schema and abs(schema[word]) != LARGEST
    ]
    return " ".join([text, " and ".join(bounds)]).strip()
