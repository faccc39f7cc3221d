"""The state of a trial in progress, kept so that a killed process loses at most the epochs since then."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from nemesis_sweep.data.atomic import replacing

FILE = "state.safetensors"


def save_checkpoint(folder: Path, state: dict[str, Tensor]) -> None:
    """Replace the checkpoint in ``folder`` in one atomic step."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / FILE) as temporary:
        save_file(state, temporary)


def load_checkpoint(folder: Path) -> dict[str, Tensor] | None:
    """The state that was kept, or None when there is none that can be read."""
    try:
        return load_file(folder / FILE)
    except (OSError, SafetensorError):
        return None
