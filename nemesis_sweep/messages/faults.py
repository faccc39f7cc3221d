"""A fault is a problem that does not know its file and line yet, only its path of keys."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.messages.printable import printable

Key = str | int | float | bool | None
Path = tuple[Key, ...]

SHOWN_LENGTH = 80
MAX_SHOWN_ITEMS = 40


@dataclass(frozen=True)
class Fault:
    """What is wrong at `path`.

    related: the other values that take part in it, such as the high of a low.
    line: set where the line is known better than from the path.
    """

    path: Path
    message: str
    found: str = ""
    allowed: str = ""
    nearest: str = ""
    related: tuple[Path, ...] = ()
    line: int | None = None

    def problem(self, file: str = "", line: int | None = None) -> Problem:
        """Return the fault with its place in a file."""
        return Problem(self.message, dotted(self.path), file, line, self.found, self.allowed, self.nearest)


def refuse(faults: list[Fault]) -> None:
    """Raise a `UserError` of `faults` if there are any."""
    if faults:
        raise UserError([fault.problem() for fault in faults])


def dotted(path: Path) -> str:
    """Return a path as it is written in `--set`: `space.beta.choices."0.5".corruption.low`."""
    return ".".join(_plain(key) for key in path)


def _plain(key: Key) -> str:
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    text = key if isinstance(key, str) else shown(key)
    return text if re.fullmatch(r"[\w@/+:-]+", text) else shown(text)


def shown(value: Any) -> str:
    """Return a value as one short line of flow YAML: texts quoted, what cannot be printed escaped."""
    # Before it is cut, for half of an address hides nothing.
    text = printable(masked(json.dumps(value, ensure_ascii=False, default=str)))
    return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 4] + " ..."


def listed(names: Sequence[str]) -> str:
    """Return names as `a, b, c`, cut after the first few dozen."""
    more = len(names) - MAX_SHOWN_ITEMS
    return ", ".join(names[:MAX_SHOWN_ITEMS]) + (f" and {more} more" if more > 0 else "")
