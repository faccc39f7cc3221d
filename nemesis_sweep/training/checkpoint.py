"""The state of a trial in progress, kept so that a killed process loses at most the epochs since then."""

from pathlib import Path

from torch import Tensor

from nemesis_sweep.files.tensor_file import load_tensors, save_tensors

FILE = "state.safetensors"


def save_checkpoint(folder: Path, state: dict[str, Tensor], owner: str = "") -> None:
    """Replace the checkpoint in ``folder`` in one atomic step. owner: the trial whose state it is."""
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(folder / FILE, state, owner)


def load_checkpoint(folder: Path, owner: str = "") -> dict[str, Tensor] | None:
    """The state that was kept, or None when there is none.

    Raises ``DamagedError`` when what is there is not what was saved for ``owner``.
    """
    path = folder / FILE
    return load_tensors(path, owner) if path.exists() else None
