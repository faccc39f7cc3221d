"""The sweep files that ship with the package."""

from __future__ import annotations

from pathlib import Path

from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.messages.faults import listed

# In a clone a link to its `search_spaces/`, in a wheel a folder of the package.
FOLDER = Path(__file__).parents[2] / "search_spaces"
SUFFIX = ".yaml"


def shipped_names() -> list[str]:
    """The names of the sweep files that ship: `pan`, `pun`, ..."""
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}"))


def shipped_file(name: str) -> Path:
    """Return the sweep file of that name. Raises ``UserError`` with the nearest name where there is none."""
    names = shipped_names()
    if name not in names:
        near = nearest(name, names)
        raise UserError(
            Problem("no sweep file of that name ships", "NAME", "", None, repr(name), listed(names), near)
        )
    return FOLDER / f"{name}{SUFFIX}"


def listing() -> list[str]:
    """A line for every file that ships: its name, and what it searches."""
    names = shipped_names()
    return [f"{name.ljust(max(map(len, names)))}  {first_line(name)}" for name in names]


def first_line(name: str) -> str:
    """What a shipped file searches, as its first comment says."""
    head = shipped_file(name).read_text(encoding="utf-8").partition("\n")[0]
    return head.removeprefix("#").strip()
