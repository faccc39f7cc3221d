"""The folder below which datasets are looked for."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "NEMESIS_SWEEP_DATA"


def data_root(root: str | Path | None = None) -> Path:
    """Return `root`, else $NEMESIS_SWEEP_DATA, else the current folder, as an absolute path."""
    return Path(root or os.environ.get(VARIABLE) or ".").expanduser().absolute()


def current_folder() -> str:
    """The folder in which relative paths start, absolute; '' where it is gone."""
    try:
        return str(Path().absolute())
    except FileNotFoundError:
        return ""
