"""What is said to a user whose input cannot be used."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.messages.printable import printable


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the input.

    message: the rule that was broken, as a short sentence without a full stop.
    key: dotted path of the value, such as `space.omega.low`.
    file, line: where it stands (`line` counts from 1); for an override, `file` is `--set key=value`.
    found, allowed, nearest: the value itself, what is accepted, and the valid name most like it.
    below: a list that is shown under it, a line each.
    """

    message: str
    key: str = ""
    file: str = ""
    line: int | None = None
    found: str = ""
    allowed: str = ""
    nearest: str = ""
    below: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.file and self.line is not None else self.file
        head = ": ".join(part for part in (where, self.key, self.message) if part)
        details = []
        if self.found:
            details.append(f"found {self.found}")
        if self.allowed:
            details.append(f"allowed: {self.allowed}")
        text = printable(masked("; ".join([head, *details])))
        text = f"{text}. Did you mean {self.nearest!r}?" if self.nearest else text
        return "\n".join([text, *(printable(masked(line)) for line in self.below)])


class UserError(Exception):
    """Input that cannot be used, with everything that is wrong with it at once.

    The command line prints `str(error)` to stderr and exits with code 2, without a traceback.
    """

    def __init__(self, problems: str | Problem | Sequence[Problem]) -> None:
        if isinstance(problems, str):
            problems = [Problem(problems)]
        elif isinstance(problems, Problem):
            problems = [problems]
        self.problems: list[Problem] = list(problems)
        # One positional argument, so that the error survives pickling between processes.
        super().__init__(self.problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        lines = [f"{len(self.problems)} problems:", *(f"  {problem}" for problem in self.problems)]
        return "\n".join(lines)


def nearest(name: str, names: Iterable[str], alike: float = 0.6) -> str:
    """Return the name most like `name`, ignoring case, or '' if none is near.

    alike: from 0 to 1, how much they have to be, as difflib has it.
    """
    by_folded = {candidate.casefold(): candidate for candidate in names}
    matches = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=alike)
    return by_folded[matches[0]] if matches else ""
