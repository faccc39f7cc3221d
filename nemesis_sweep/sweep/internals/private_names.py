"""Whether another package still has the private names that are used of it."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from types import CodeType
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError

PROJECT = "nemesis-sweep"


def missing(names: Iterable[str]) -> list[str]:
    """Return those of the dotted names that are not there: modules, what is in them, attributes of classes.

    An attribute of a class is also there when its `__init__` sets it.
    """
    return [name for name in names if not _is_there(name)]


def refuse_missing(package: str, names: Iterable[str]) -> None:
    """Raise a UserError with every one of the package's names that is not there, and its version."""
    if absent := missing(names):
        raise UserError([_problem(package, f"lacks {name}") for name in absent])


@contextmanager
def importing(package: str) -> Iterator[None]:
    """Make a UserError of an import of private names that fails within."""
    try:
        yield
    except ImportError as error:
        raise UserError(_problem(package, f"does not fit: {error}")) from error


def _is_there(name: str) -> bool:
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        return _has(found, parts[count:])
    return False


def _has(found: Any, parts: list[str]) -> bool:
    for place, part in enumerate(parts):
        if hasattr(found, part):
            found = getattr(found, part)
        else:
            return place == len(parts) - 1 and isinstance(found, type) and part in _set_at_start(found)
    return True


def _set_at_start(kind: type) -> set[str]:
    """Names in the code of `__init__` of a class and of its bases; what it sets is among them."""
    codes = [getattr(getattr(each, "__init__", None), "__code__", None) for each in kind.__mro__]
    return {name for code in codes if isinstance(code, CodeType) for name in code.co_names}


def _problem(package: str, what: str) -> Problem:
    return Problem(f"{package} {_version(package)} {what}, which {PROJECT} uses", allowed=_allowed(package))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(of unknown version)"


def _allowed(package: str) -> str:
    """The versions of a package that this one asks for; '' where it is not installed but only on the path."""
    try:
        asked = metadata.requires(PROJECT) or []
    except metadata.PackageNotFoundError:
        return ""
    # As `ray[default,tune]<3,>=2.52`; what stands behind a semicolon belongs to an extra.
    return next((text for text in asked if text.startswith(package) and ";" not in text), "")
