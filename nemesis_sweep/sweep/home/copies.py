"""What MLflow keeps of a home's files, beside its own database: it mends those that were damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.worker.result import set_aside
from nemesis_sweep.tracking.location import artifacts


def restore(home: Home, file: Path, place: str, is_whole: Callable[[Path], bool]) -> bool:
    """Replace a damaged file by its newest whole copy; False, and nothing done, when there is none.

    place: the copy's name below the artifacts of whichever run has it. The damaged file is kept beside.
    """
    found = artifacts(home.path).glob(f"**/artifacts/{place}")
    for copy in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True):
        if is_whole(copy):
            set_aside(file)
            file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(file) as temporary:
                shutil.copyfile(copy, temporary)
            return True
    return False
