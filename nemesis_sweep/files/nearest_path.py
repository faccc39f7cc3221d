"""The path that was probably meant by one at which nothing is."""

from __future__ import annotations

from pathlib import Path

from nemesis_sweep.messages.errors import nearest

MOST = 5000
"""Names in a folder that are looked at."""


def nearest_path(path: Path, suffixes: tuple[str, ...] = ()) -> str:
    """Return an existing path like `path`, as it would be written in its place; '' when there is none.

    The first part that does not exist is taken for a slip, and the rest has to be there below what is meant.
    suffixes: endings that may have been left out.
    """
    try:
        return "" if path.exists() else _nearest(path, suffixes)
    except (OSError, ValueError):
        return ""


def _nearest(path: Path, suffixes: tuple[str, ...]) -> str:
    for suffix in suffixes:
        if (longer := path.with_name(path.name + suffix)).exists():
            return str(longer)
    wrong, rest = path, Path()
    while not wrong.parent.exists() and wrong.parent != wrong:
        wrong, rest = wrong.parent, Path(wrong.name) / rest
    names = [found.name for _, found in zip(range(MOST), wrong.parent.iterdir(), strict=False)]
    last = rest == Path()
    if last and suffixes:
        names = [name for name in names if name.endswith(suffixes)]
    near = nearest(wrong.name, names)
    if not near:
        return ""
    meant = wrong.parent / near / rest
    return str(meant) if meant.exists() else _nearest(meant, suffixes) if not last else ""
