"""What a benchmark is measured over, as words of its command: `classes`, or `classes=10,100`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from nemesis_sweep.messages.errors import Problem, UserError, nearest


def named_axis(text: str, axes: Collection[str]) -> tuple[str, list[str]]:
    """The axis and the values given, each once; none for the usual ones. Raises UserError for no axis."""
    name, _, values = text.partition("=")
    if name not in axes:
        near = nearest(name, axes)
        allowed = ", ".join(axes)
        raise UserError(Problem("unknown axis", "axis", found=repr(name), allowed=allowed, nearest=near))
    return name, list(dict.fromkeys(values.split(","))) if values else []


def whole_numbers(name: str, given: Sequence[str], least: int = 1) -> tuple[int, ...]:
    """The values of an axis. Raises UserError for what is no whole number, or below the least."""
    try:
        numbers = tuple(int(value) for value in given)
    except ValueError as error:
        message = "values are not whole numbers"
        raise UserError(Problem(message, f"axis {name}", found=",".join(given))) from error
    if numbers and min(numbers) < least:
        raise UserError(Problem("values are too small", f"axis {name}", found=",".join(given)))
    return numbers
