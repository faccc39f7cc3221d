"""Files that were to be there for a moment, of drivers and workers that were killed."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from nemesis_sweep.data.cache import remove_leftovers as remove_from_cache
from nemesis_sweep.data.folder import default_root
from nemesis_sweep.sweep.home.folder import Home

NAMES = re.compile(r"\..+\.\d+\.tmp|\.(write|room|seen)-[0-9a-f]+")
"""What `files/atomic.py` writes before it takes the place of a file, and what probes leave."""
ELSEWHERE = ("ray", "mlartifacts")
"""Folders of a home that others write."""


def remove_leftovers(home: Home) -> None:
    """Remove them from a home, whose driver is alone, and from the cache where nobody is at work."""
    for folder, inner, names in os.walk(home.path):
        if folder == str(home.path):
            inner[:] = [name for name in inner if name not in ELSEWHERE]
        for name in filter(NAMES.fullmatch, names):
            with suppress(OSError):
                Path(folder, name).unlink()
    remove_from_cache(default_root())
