"""A sweep file together with its overrides: one tree of data, and where every part of it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import Fault, Path, dotted, shown
from nemesis_sweep.spec.source import read_file, read_text


class Document:
    """The data of a sweep file, changed by `--set key=value`.

    Raises `UserError` from the constructor where the file cannot be read or is not YAML; `faults` holds
    what else is wrong with the text.
    """

    def __init__(self, path: FilePath) -> None:
        self.file = str(path)
        source = read_text(read_file(path), self.file)
        self.data = source.data
        self.lines = source.lines
        self.faults = source.faults
        self.problems: list[Problem] = []
        self.overridden: dict[Path, str] = {}

    def override(self, text: str) -> None:
        """Apply `key=value`: dotted key, value in YAML; `null` takes the key away, so its default counts."""
        name = f"--set {text}"
        key, equals, written = text.partition("=")
        key = key.strip()
        parts = re.findall(r'"[^"]*"|[^.]+', key)
        if not equals or not parts or ".".join(parts) != key:
            allowed = "key=value, such as budget.trials=4"
            slip = re.fullmatch(r"([\w.]+)(?:\s*:\s*|\s+)(\S.*)", text)
            near = f"{slip[1]}={slip[2]}" if slip and not equals else ""
            self.problems.append(Problem("not a key and a value", file=name, allowed=allowed, nearest=near))
            return
        place = dotted(tuple(part.strip('"') for part in parts))
        try:
            source = read_text(written, name)
        except UserError as error:
            self.problems += [_below(place, problem) for problem in error.problems]
            return
        if not source.lines:
            # YAML reads nothing as null, which is another thing to ask for.
            allowed = "a value; null takes the key away, so that its default counts"
            self.problems.append(Problem("no value", place, name, allowed=allowed))
            return
        if source.faults:
            self.problems += [_below(place, fault.problem(name)) for fault in source.faults]
            return
        path, problem = self._set(parts, source.data, name)
        if problem:
            self.problems.append(Problem(problem, place, name))
        else:
            self._forget(path)
            self.overridden[path] = name

    def _set(self, parts: list[str], value: Any, name: str) -> tuple[Path, str]:
        """Write `value`; return its path, or what stands in the way."""
        if not isinstance(self.data, dict):
            return (), "" if self.data is None else "the sweep file is not a mapping"
        node: Any = self.data
        path: Path = ()
        for part in parts[:-1]:
            key, problem = _key(node, part)
            path = (*path, key)
            if problem:
                return path, problem
            if isinstance(node, dict) and node.get(key) is None:
                node[key] = {}
                self.overridden[path] = name
            node = node[key]
            if not isinstance(node, dict | list):
                return path, f"{dotted(path)} is {shown(node)} and holds no keys"
        key, problem = _key(node, parts[-1])
        if not problem and value is None and isinstance(node, dict):
            node.pop(key, None)
        elif not problem:
            node[key] = value
        return (*path, key), problem

    def _forget(self, path: Path) -> None:
        """Drop lines and faults of what an override replaced."""
        size = len(path)
        self.lines = {place: line for place, line in self.lines.items() if place[:size] != path}
        self.faults = [fault for fault in self.faults if fault.path[:size] != path]

    def place(self, path: Path) -> tuple[str, int | None]:
        """Return file and line of what stands at `path`, or of the nearest thing around it."""
        for size in range(len(path), -1, -1):
            if path[:size] in self.overridden:
                return self.overridden[path[:size]], None
            if path[:size] in self.lines:
                return self.file, self.lines[path[:size]]
        return self.file, 1

    def located(self, faults: list[Fault]) -> list[Problem]:
        """Return all problems of the document, those of its text and `faults`, in the order of lines."""
        broken = {fault.path for fault in self.faults}
        later = [
            fault
            for fault in faults
            if not any(fault.path[:size] in broken for size in range(len(fault.path) + 1))
        ]
        found = self.problems + [self._located(fault) for fault in self.faults + later]
        return sorted(found, key=lambda problem: (problem.line is None, problem.line or 0))

    def placed(self, faults: Iterable[Fault]) -> list[Problem]:
        """Return faults with their places, in the order of lines."""
        return sorted(
            map(self._located, faults), key=lambda problem: (problem.line is None, problem.line or 0)
        )

    def _located(self, fault: Fault) -> Problem:
        for path in (fault.path, *fault.related):
            if any(path[:size] in self.overridden for size in range(1, len(path) + 1)):
                return fault.problem(*self.place(path))
        file, line = self.place(fault.path)
        return fault.problem(file, fault.line or line)


def _key(node: Any, part: str) -> tuple[Any, str]:
    """Return the key of `node` that is written `part`, or what stands in the way.

    Choices such as 0 or 0.5 and shots are numbers in the data but texts in an override.
    """
    if isinstance(node, dict):
        new = int(part) if part.isascii() and part.isdecimal() and len(part) < 9 else part.strip('"')
        return next((key for key in node if part in (key, dotted((key,)))), new), ""
    if part.isascii() and part.isdigit() and len(part) < 9 and int(part) < len(node):
        return int(part), ""
    return part, f"no item {shown(part)} in a list of {len(node)}"


def _below(key: str, problem: Problem) -> Problem:
    """A problem of an override's value, whose own key counts from that value."""
    return replace(problem, key=".".join(part for part in (key, problem.key) if part))
