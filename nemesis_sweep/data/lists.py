"""Lists of a dataset, in text and JSON: read to a bound, from regular files only."""

import json
from pathlib import Path
from typing import Any

from nemesis_sweep.files.regular_file import check_regular, read_regular, status_of
from nemesis_sweep.messages.errors import Problem, UserError

MAX_BYTES = 1 << 28
"""The largest list that is read: ImageNet's is a third of it."""


def read_list(path: Path, what: str = "list") -> str:
    """The text of a list. Raises ``UserError`` when it cannot be read, is no text, no file or too large."""
    try:
        return read_regular(path, MAX_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(Problem(f"cannot read this {what}: {_reason(error)}", file=str(path))) from error


def read_json(path: Path, what: str = "list") -> Any:
    """What a JSON file says. Raises ``UserError`` as :func:`read_list` does, and for what is no JSON."""
    try:
        return json.loads(read_list(path, what))
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UserError(Problem(f"cannot read this {what}: {reason}", file=str(path))) from error


def check_file(path: Path, what: str, most: int | None = None) -> None:
    """Raise ``UserError`` for what is no file, so that a reader with a way of its own may open it."""
    try:
        check_regular(status_of(path), most)
    except OSError as error:
        raise UserError(Problem(f"cannot read this {what}: {_reason(error)}", file=str(path))) from error


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
