"""A trial that raised: it answers like any other, so its worker stays warm and nothing is tried in vain."""

import platform
import traceback
from pathlib import Path
from typing import Any

from nemesis_sweep.data.atomic import write_atomically
from nemesis_sweep.sweep.home.full import no_room

FAILURE, OUT_OF_MEMORY, FULL = "failure", "out_of_memory", "full"
"""Keys of a failed trial's answer: one line for a person; whether a larger share of a GPU could help; or
nothing but the file that found no room, for a trial that can do nothing for a full disk."""

LOG = "error.txt"


def failure(error: Exception, folder: Path, tracking_uri: str = "") -> dict[str, Any]:
    """The last answer of a trial that raised ``error``; its traceback goes to ``error.txt`` in ``folder``."""
    log = folder / LOG
    full = no_room(error, folder, tracking_uri)
    if full is not None:
        return {"done": True, "epoch": 0, FULL: f"{full} on {platform.node()}"}
    write_atomically(log, "".join(traceback.format_exception(error)))
    told = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return {
        "done": True,
        "epoch": 0,
        FAILURE: f"{told} (all of it: {log})",
        OUT_OF_MEMORY: _is_out_of_memory(error),
    }


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    # cuBLAS and the driver report it in words of their own. A MemoryError is the machine's, not the GPU's.
    told = str(error)
    words = ("CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(word in told for word in words)
