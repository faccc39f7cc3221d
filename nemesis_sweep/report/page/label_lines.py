"""Long names as labels of a picture: on several lines, none longer than there is room for."""

from __future__ import annotations

import textwrap

ROOM = 26
"""Letters of a line: of a panel's title, or of a label beside an axis."""


def label_lines(name: str, room: int = ROOM) -> str:
    """Return the name on one line if it fits; else its sweep, in brackets at its end, on a second line.

    What is too long for a line even so loses letters of its middle: `zero-shot, ens…le`.
    """
    if len(name) <= room:
        return name
    method, bracket, sweep = name.partition(" (")
    lines = [method, f"({sweep}"] if bracket else [name]
    return "\n".join(_short(line, room) for line in lines)


def title_lines(title: str, room: int) -> str:
    """Return a title broken at its spaces; its own lines stay. What is too long for one loses its middle."""
    lines = [
        part
        for line in title.split("\n")
        for part in textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False)
    ]
    return "\n".join(_short(line, room) for line in lines)


def _short(line: str, room: int) -> str:
    if len(line) <= room:
        return line
    end = room // 3
    return f"{line[: room - end - 1]}…{line[-end:]}"
