"""Where workers look for modules: where the driver was told to, but not in the folder that it stands in.

A file there may be called as a module of the standard library, and would be taken for it.
"""

import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path

PACKAGE = "nemesis_sweep"


def workers_path(given: str, here: Path) -> str:
    """``PYTHONPATH`` for workers, from that of the driver, which stands in ``here``.

    Folders that were named stay, relative ones as seen from ``here``; nothing and `.` are no names. Where
    this package itself was found only because the driver stands beside it, its folder is added.
    """
    named = [here / entry for entry in given.split(os.pathsep) if os.path.normpath(entry or ".") != "."]
    own = Path(__file__).parents[3]
    if not _found_without(here):
        named.append(own)
    return os.pathsep.join(map(str, named))


def _found_without(folder: Path) -> bool:
    """Whether Python finds this package without looking in a folder."""
    path = [entry for entry in sys.path if Path(entry or ".").resolve() != folder.resolve()]
    return any(
        finder.find_spec(PACKAGE, path if finder is PathFinder else None) is not None
        for finder in sys.meta_path
        if hasattr(finder, "find_spec")
    )
