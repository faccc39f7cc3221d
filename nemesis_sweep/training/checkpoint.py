"""The state of a trial in progress, kept so that a killed process loses at most the epochs since then."""

import os
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

FILE = "state.safetensors"


def save_checkpoint(folder: Path, state: dict[str, Tensor]) -> None:
    """Replace the checkpoint in ``folder`` in one atomic step."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{FILE}.{os.getpid()}.tmp"
    save_file(state, temporary)
    with temporary.open("rb") as written:
        os.fsync(written.fileno())
    temporary.replace(folder / FILE)


def load_checkpoint(folder: Path) -> dict[str, Tensor] | None:
    """The state that was kept, or None when there is none that can be read."""
    try:
        return load_file(folder / FILE)
    except (OSError, SafetensorError):
        return None
