"""`module:Name` in a sweep file, and short names that installed packages add: to the part they stand for."""

from __future__ import annotations

import re
import sys
import traceback
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.spec.outside.beside import BESIDE

REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
FORM = "module:Name"


def is_reference(name: str) -> bool:
    """Whether a name is of the form `module:Name`."""
    return REFERENCE.fullmatch(name) is not None


def short_names(kind: str) -> dict[str, str]:
    """Names that installed packages add to a kind (`prompts`, `samplers`, ...), with what they stand for."""
    return {entry.name: entry.value for entry in metadata.entry_points(group=f"nemesis_sweep.{kind}")}


def outside(name: str, kind: str) -> str:
    """Return `module:Name` of a part that is not of this package, '' for a name that none has."""
    return name if is_reference(name) else short_names(kind).get(name, "")


def load(reference: str) -> Any:
    """Return what stands at `module:Name`. Raises ``UserError`` with the reason where there is nothing."""
    module, _, name = reference.partition(":")
    name = name.partition(" ")[0]
    if not module or not name:
        raise UserError(Problem("not a place of a part", found=repr(reference), allowed=FORM))
    BESIDE.take(module)
    try:
        found = import_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _cannot_import(reference, module, error) from error
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise _no_such_name(reference, module, name) from None
    except Exception as error:  # A module may have a `__getattr__` of its own.
        raise _cannot_import(reference, module, error) from error
    return found


def refused(place: str, message: str, found: Any, allowed: str) -> UserError:
    """The error of a part from outside that is not what it has to be."""
    try:
        shown = repr(found)
    except Exception:  # It is somebody else's code.
        shown = object.__repr__(found)
    return UserError(
        Problem(
            f"{place} {message}", found=shown if len(shown) <= 80 else f"{shown[:76]} ...", allowed=allowed
        )
    )


def _cannot_import(reference: str, module: str, error: BaseException) -> UserError:
    if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
        beside = f", or {module.partition('.')[0]}.py beside the sweep file" if BESIDE.places else ""
        files = [path.stem for place in BESIDE.places for path in place.glob("*.py")]
        near = nearest(module, files)
        return UserError(
            Problem(
                f"there is no module {error.name}",
                found=repr(reference),
                allowed=f"a module on Python's path{beside}",
                nearest=near and reference.replace(module, near, 1),
            )
        )
    words = error.msg if isinstance(error, SyntaxError) else error
    reason = f"{type(error).__name__}: {words}".rstrip(": ")
    message = f"{module} cannot be imported: {reason.splitlines()[0]}{line_of(error)}"
    return UserError(Problem(message, found=repr(reference)))


def line_of(error: BaseException) -> str:
    """` (line 3 of FILE)`: of the last line that is not of Python's own machinery."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" (line {error.lineno} of {error.filename})"
    own = BESIDE.places
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_file()]
    theirs = [frame for frame in frames if any(Path(frame.filename).is_relative_to(place) for place in own)]
    frames = theirs or [frame for frame in frames if Path(frame.filename) != Path(__file__)]
    return f" (line {frames[-1].lineno} of {frames[-1].filename})" if frames else ""


def _no_such_name(reference: str, module: str, name: str) -> UserError:
    found = sys.modules[module]
    file = getattr(found, "__file__", None)
    message = f"{module} has no {name}" + (f" ({file})" if file else "")
    if hidden := BESIDE.hidden(module.partition(".")[0]):
        message += f"; {hidden} is not looked at, as Python has a module of its name: rename it"
    names = [each for each in vars(found) if not each.startswith("_")]
    near = nearest(name, names)
    return UserError(Problem(message, found=repr(reference), nearest=near and f"{module}:{near}"))
