"""What was probably meant where a text is no YAML: an indentation, a missing blank, comma or bracket."""

from __future__ import annotations

import re

from yaml import MarkedYAMLError

from nemesis_sweep.messages.faults import shown

OPENED = {"while parsing a flow mapping": "{", "while parsing a flow sequence": "["}
"""What begins a list or mapping in one line, by PyYAML's name of it."""
NO_BLANK = re.compile(r"\s*(- )?[A-Za-z_]\w*:[^\s:]")
"""A key whose value follows without a blank, which YAML takes for one text."""


def likely_slip(error: MarkedYAMLError, text: str) -> str:
    """Return what is probably wrong in the text for which PyYAML raised `error`; '' where unknown."""
    mark, began = error.problem_mark, error.context_mark
    if mark is None:
        return ""
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    problem = error.problem or ""
    if "'\\t'" in problem:
        return "lines are indented with blanks, never with tabs"
    if error.context in OPENED and began is not None:
        opened = OPENED[error.context]
        if began.line != mark.line:
            return f"the {shown(opened)} of line {began.line + 1} may not be closed"
        return "perhaps a comma or a closing bracket is missing"
    before = _before(lines, mark.line)
    if before is None or not (problem.startswith("mapping values") or "<block end>" in problem):
        return ""
    if len(line.split(": ")) > 2:
        return "a text with ': ' in it stands in quotes"
    if NO_BLANK.match(lines[before]):
        return f"perhaps a blank is missing after the ':' in line {before + 1}"
    if _indent(line) != _indent(lines[before]):
        more = "more" if _indent(line) > _indent(lines[before]) else "less"
        return f"this line is indented {more} than line {before + 1}"
    return ""


def _before(lines: list[str], line: int) -> int | None:
    """The last line before that one with more than a comment."""
    found = [place for place in range(line) if lines[place].split("#")[0].strip()]
    return found[-1] if found else None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
