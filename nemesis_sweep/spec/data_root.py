"""The folder below which datasets are looked for."""

from __future__ import annotations

import os
from pathlib import Path

from nemesis_sweep.files.current_folder import expanded, here

VARIABLE = "NEMESIS_SWEEP_DATA"


def data_root(root: str | Path | None = None) -> Path:
    """Return `root`, else $NEMESIS_SWEEP_DATA, else the current folder, as an absolute path."""
    return here() / expanded(root or os.environ.get(VARIABLE) or "")
