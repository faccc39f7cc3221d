"""What the home keeps of the share of a GPU that trials need: `gpu_share.json`."""

from pathlib import Path
from typing import Any

from nemesis_sweep.files.sealed import DamagedError, read_sealed, write_sealed

NAME = "gpu_share.json"


def read_share(home: Path) -> dict[str, Any]:
    """The measurement: `share`, `memory` in bytes (`peak`, `context`, `total`), `asked`; empty if none."""
    try:
        return read_sealed(home / NAME)
    except DamagedError:
        return {}


def write_share(home: Path, measured: dict[str, Any]) -> None:
    """Keep a measurement."""
    write_sealed(home / NAME, measured)
