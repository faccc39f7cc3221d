"""Text as one line of a terminal."""

from __future__ import annotations

import json
import shlex


def printable(text: object) -> str:
    """Return `text` with what cannot be printed escaped: line breaks, controls, bytes that are no letters.

    A file's name may hold any of them, and could pass for output of ours or steer the terminal.
    """
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in str(text))


def quoted(text: object) -> str:
    """Return `text` as a word of a shell's command line; what cannot be printed as `$'a\\nb'`."""
    plain = str(text)
    if plain.isprintable():
        return shlex.quote(plain)
    return "$'" + printable(plain.replace("\\", "\\\\").replace("'", "\\'")) + "'"
