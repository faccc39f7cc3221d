"""Putting measured tables into a document, between two marks."""

from __future__ import annotations

from pathlib import Path

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.files.regular_file import MEGABYTE, read_regular
from nemesis_sweep.messages.errors import Problem, UserError

LARGEST = 10 * MEGABYTE


def check_marks(path: Path, name: str) -> tuple[str, str]:
    """The text before and after what stands between `<!-- name -->` and `<!-- end of name -->`.

    Raises UserError if the file cannot be read or the marks are not there once each, in order.
    """
    try:
        text = read_regular(path, LARGEST).decode()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UserError(Problem("cannot be read", file=str(path), found=str(why))) from error
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise UserError(Problem(f"the marks {start} and {end} must stand in it once each", file=str(path)))
    before, after = text.index(start) + len(start), text.index(end)
    return text[:before], text[after:]


def put_between(path: Path, name: str, content: str) -> None:
    """Replace what stands between the marks, in one atomic step."""
    before, after = check_marks(path, name)
    with replacing(path) as temporary:
        temporary.write_text(f"{before}\n{content}\n{after}", encoding="utf-8")
