"""A YAML text as plain data that remembers on which line every key stands."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from nemesis_sweep.files.nearest_path import nearest_path
from nemesis_sweep.files.regular_file import read_regular
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import SHOWN_LENGTH, Fault, Key, Path, shown
from nemesis_sweep.spec.start.shipped import shipped_names
from nemesis_sweep.spec.yaml_slips import likely_slip

MAX_BYTES = 1_000_000
SUFFIXES = (".yaml", ".yml")
MAX_VALUES = 50_000
MAX_DEPTH = 40
LONGEST_INT = 25  # characters; longer ones are read as floats, Python refuses to parse thousands of digits

NULL, BOOL, INT, FLOAT, STR, MAP, SEQ = (
    f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "map", "seq")
)


# YAML 1.2's scalars: tag, pattern, first characters.
SCALARS = [
    (NULL, re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    (BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    (INT, re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789")),
    (
        FLOAT,
        re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
        list("-+.0123456789"),
    ),
    (FLOAT, re.compile(r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"), list("-+.")),
]


class PlainLoader(yaml.SafeLoader):
    """Scalars as YAML 1.2 reads them: `1e-3` is a number, `no` and `2026-11-22` are text."""


# A table of its own: the inherited one also knows dates, sexagesimal numbers and `yes`.
PlainLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in SCALARS:
    PlainLoader.add_implicit_resolver(_tag, _pattern, _first)


@dataclass
class Source:
    """What a YAML text says: its data, the line of every path of keys, and what is wrong with it.

    Where a value could not be read, `data` holds None and `faults` says why.
    """

    data: Any
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read_file(path: FilePath) -> str:
    """Return the text of a sweep file; UserError where there is none."""
    file = str(path)
    try:
        content = read_regular(path, MAX_BYTES)
    except FileNotFoundError:
        near = nearest_path(path, SUFFIXES)
        if path.stem in shipped_names() and FilePath(near).stem != path.stem:
            told = f"no such file; `nemesis-sweep init {path.stem}` writes the one that ships"
            raise UserError(Problem(told, file=file)) from None
        raise UserError(Problem("no such file", file=file, nearest=near)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(Problem(f"cannot be read: {reason}", file=file)) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x}"
        raise UserError(Problem("not a text file", "", file, line, found, "UTF-8")) from None


def read_text(text: str, file: str) -> Source:
    """Return what a YAML text says. UserError where it is not YAML at all, with the line.

    Beyond YAML's own rules, keys that are written twice, tags, numbers that are not finite or exceed
    64 bits and control characters become faults.
    """
    try:
        node = yaml.compose(text, Loader=PlainLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reasons = ", ".join(part for part in (error.context, error.problem) if part)
        slip = likely_slip(error, text)
        told = f"not YAML: {reasons}" + (f"; {slip}" if slip else "")
        raise UserError(Problem(told, "", file, mark.line + 1 if mark else 1)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(Problem("a character that YAML does not allow", "", file, line)) from None
    except RecursionError:
        raise UserError(Problem("nested too deeply", "", file, 1)) from None
    except (ValueError, OverflowError) as error:
        # PyYAML turns escapes such as "\UFFFFFFFF" into characters without looking whether there is one.
        raise UserError(Problem(f"not YAML: {error}", "", file, 1)) from None
    if node is None:
        return Source(None)
    return _Reader(file).read(node)


class _Reader:
    """Turns the nodes of one document into data; follows aliases, so it counts what it makes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.source = Source(None, {})
        self.values = 0

    def read(self, node: yaml.Node) -> Source:
        self.source.lines[()] = node.start_mark.line + 1
        self.source.data = self._value(node, ())
        return self.source

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self.values += 1
        if len(path) > MAX_DEPTH or self.values > MAX_VALUES:
            message = "nested too deeply" if len(path) > MAX_DEPTH else "too many values"
            raise UserError(Problem(message, "", self.file, node.start_mark.line + 1))
        if isinstance(node, yaml.CollectionNode) and node.tag not in (MAP, SEQ):
            self._fault(node, path, "tags are not supported", shown(node.tag))
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(node, path)
        return self._scalar(node, path) if isinstance(node, yaml.ScalarNode) else None

    def _sequence(self, node: yaml.SequenceNode, path: Path) -> list[Any]:
        for place, item in enumerate(node.value):
            self.source.lines[(*path, place)] = item.start_mark.line + 1
        return [self._value(item, (*path, place)) for place, item in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[Key, Any]:
        found: dict[Key, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, path, "a list or mapping in the place of a key", allowed="a name")
                continue
            faults = len(self.source.faults)
            key = self._scalar(key_node, path)
            if len(self.source.faults) > faults:
                continue
            below = (*path, key)
            if key in found:
                self._fault(key_node, below, f"written twice, first on line {self.source.lines[below]}")
            self.source.lines[below] = key_node.start_mark.line + 1
            found[key] = self._value(value_node, below)
        return found

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> str | int | float | bool | None:
        text: str = node.value
        if node.tag == NULL:
            return None
        if node.tag == BOOL and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if node.tag in (INT, FLOAT):
            return self._number(node, path)
        if node.tag != STR:
            self._fault(node, path, "tags are not supported", shown(node.tag))
        elif any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text):
            self._fault(node, path, "a control character in a text", ascii(text)[:SHOWN_LENGTH])
        else:
            return text
        return None

    def _number(self, node: yaml.ScalarNode, path: Path) -> int | float | None:
        text: str = node.value
        kind = int if node.tag == INT and len(text) < LONGEST_INT else float
        try:
            number: int | float = kind(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self._fault(node, path, "not a finite number", shown(text))
            return None
        if node.tag == INT and not -(2**63) <= number < 2**63:
            self._fault(node, path, "a whole number of more than 64 bits", shown(text))
            return None
        return number

    def _fault(self, node: yaml.Node, path: Path, message: str, found: str = "", allowed: str = "") -> None:
        line = node.start_mark.line + 1
        self.source.faults.append(Fault(path, message, found, allowed, line=line))
