"""Where modules are looked for: where the user said, but not in the folder that a command is given in.

A file there may be called as a module of the standard library, and would be taken for it. Imported before
anything else of the command, so it imports as little as it can.
"""

import os
import sys
from importlib.machinery import PathFinder

PACKAGE = "nemesis_sweep"


def is_the_command() -> bool:
    """Whether this process is the command, and not a program that uses this package."""
    return os.path.basename(sys.argv[0]) in ("nemesis-sweep", "__main__.py")  # noqa: PTH119


def leave_current_folder_out() -> None:
    """Take the current folder off this process' own path, unless ``PYTHONPATH`` names it by its whole name.

    Where this package itself was found only there, the folder goes to the end.
    """
    try:
        here = os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if any(os.path.isabs(entry) and _is(entry, here) for entry in named):  # noqa: PTH117
        return
    found = _found_without(here)
    sys.path[:] = [entry for entry in sys.path if not _is(entry, here)] + ([] if found else [here])


def workers_path(given: str, here: str) -> str:
    """``PYTHONPATH`` for workers, from that of the driver, which stands in ``here``.

    Folders that were named stay, relative ones as seen from ``here``; nothing and `.` are no names. Where
    this package itself was found only because the driver stands beside it, its folder is added.
    """
    named = [
        os.path.join(here, entry)  # noqa: PTH118
        for entry in given.split(os.pathsep)
        if os.path.normpath(entry or ".") != "."
    ]
    if not _found_without(here):
        named.append(here)
    return os.pathsep.join(named)


def _found_without(folder: str) -> bool:
    """Whether Python finds this package without looking in a folder."""
    path = [entry for entry in sys.path if not _is(entry, folder)]
    return any(
        finder.find_spec(PACKAGE, path if finder is PathFinder else None) is not None
        for finder in sys.meta_path
        if hasattr(finder, "find_spec")
    )


def _is(entry: str, folder: str) -> bool:
    return os.path.realpath(entry or ".") == os.path.realpath(folder)
