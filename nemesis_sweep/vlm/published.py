"""Published weights that open_clip knows by tag, read from its source without importing torch.

open_clip keeps them in a table of literals in `pretrained.py`. Importing that module takes seconds, so the
table is read from the syntax tree. Where its form is not the one known here, it counts as empty, and tags are
checked only when weights are loaded.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

SAFE_NAME = "open_clip_model.safetensors"
"""Weights in a hub repository whose entry names no file."""


@cache
def published() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Architecture -> tag -> `hf_hub`, `quick_gelu` and the preprocess configuration, as in open_clip."""
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None:
        return MappingProxyType({})
    folder = Path(spec.origin).parent
    try:
        reader = _Reader(ast.parse((folder / "constants.py").read_text(encoding="utf-8")))
        reader.read(ast.parse((folder / "pretrained.py").read_text(encoding="utf-8")))
        table: dict[str, dict[str, dict[str, Any]]] = dict(reader.values["_PRETRAINED"])
    except (OSError, SyntaxError, _UnknownFormError, KeyError, TypeError):
        return MappingProxyType({})
    for name, tags in list(table.items()):
        quick = {tag: entry for tag, entry in tags.items() if entry.get("quick_gelu")}
        if quick:
            table[f"{name}-quickgelu"] = quick
    return MappingProxyType(table)


def clean_tag(tag: str) -> str:
    """A tag as open_clip compares it."""
    return tag.lower().replace("-", "_")


def default_tag(architecture: str) -> str:
    """OpenAI's weights where they exist, else the first tag; '' if there is none."""
    tags = published().get(architecture, {})
    return "openai" if "openai" in tags else next(iter(tags), "")


def entry(architecture: str, tag: str = "") -> Mapping[str, Any]:
    """What is published under a tag (the default one if empty); empty if nothing is."""
    return published().get(architecture, {}).get(clean_tag(tag) or default_tag(architecture), {})


def hub_files(published_entry: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Repository on the hub and the names that its safetensors weights may have; '' if it is not there."""
    repository, _, file = str(published_entry.get("hf_hub", "")).rpartition("/")
    if not repository:
        return "", []
    return repository, [f"{Path(file).stem}.safetensors"] if file else [SAFE_NAME]


class _UnknownFormError(Exception):
    """A value that is not a literal, a known name or a call of a known function."""


class _Reader:
    """Evaluates assignments of literals, and calls of functions that return one dictionary of them."""

    def __init__(self, constants: ast.Module) -> None:
        self.values: dict[str, Any] = {}
        self.functions: dict[str, ast.FunctionDef] = {}
        self.read(constants)

    def read(self, module: ast.Module) -> None:
        for statement in module.body:
            if isinstance(statement, ast.FunctionDef):
                self.functions[statement.name] = statement
            elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                self._assign(statement.targets[0].id, statement.value)

    def _assign(self, name: str, value: ast.expr) -> None:
        try:
            self.values[name] = self._value(value, {})
        except _UnknownFormError:
            if name == "_PRETRAINED":
                raise

    def _value(self, node: ast.expr, local: Mapping[str, Any]) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Tuple):
            return tuple(self._value(part, local) for part in node.elts)
        if isinstance(node, ast.Name) and (node.id in local or node.id in self.values):
            return local[node.id] if node.id in local else self.values[node.id]
        if isinstance(node, ast.Dict):
            return self._dictionary(node, local)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._call(node.func.id, node, local)
        raise _UnknownFormError(ast.dump(node)[:80])

    def _dictionary(self, node: ast.Dict, local: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            # A key of None stands for `**value`.
            found = self._value(value, local)
            made |= found if key is None else {self._value(key, local): found}
        return made

    def _call(self, name: str, node: ast.Call, local: Mapping[str, Any]) -> dict[str, Any]:
        given = {word.arg: self._value(word.value, local) for word in node.keywords if word.arg}
        if name == "dict":
            return given
        function = self.functions.get(name)
        if function is None or not isinstance(function.body[-1], ast.Return) or function.args.kwarg is None:
            raise _UnknownFormError(name)
        names = [argument.arg for argument in function.args.args]
        defaults = [self._value(default, local) for default in function.args.defaults]
        bound = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
        bound |= dict(zip(names, (self._value(part, local) for part in node.args), strict=False))
        bound |= {key: value for key, value in given.items() if key in names}
        rest = {key: value for key, value in given.items() if key not in names}
        returned = function.body[-1].value
        if returned is None:
            raise _UnknownFormError(name)
        result: dict[str, Any] = self._value(returned, {**bound, function.args.kwarg.arg: rest})
        return result
