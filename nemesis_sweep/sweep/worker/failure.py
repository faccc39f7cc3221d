"""A trial that raised: it answers like any other, so its worker stays warm and nothing is tried in vain."""

import platform
import traceback
from pathlib import Path
from typing import Any

from nemesis_sweep.files.atomic import write_atomically
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.sweep.cause import SharedCauseError
from nemesis_sweep.sweep.home.full_disk_error import no_room
from nemesis_sweep.vlm.gpu_errors import is_out_of_memory

FAILURE, OUT_OF_MEMORY, FULL, CAUSE = "failure", "out_of_memory", "full", "cause"
"""Keys of a failed trial's answer: one line for a person; whether a larger share of a GPU could help; or,
where the trial can do nothing for it, only the file that found no room, or the ``Cause`` that all share."""

LOG = "error.txt"


def failure(error: Exception, folder: Path) -> dict[str, Any]:
    """The last answer of a trial that raised ``error``; its traceback goes to ``error.txt`` in ``folder``."""
    log = folder / LOG
    full = no_room(error, folder)
    if full is not None:
        return {"done": True, "epoch": 0, FULL: f"{full} on {platform.node()}"}
    if isinstance(error, SharedCauseError):
        return {"done": True, "epoch": 0, CAUSE: error.cause.to_plain()}
    write_atomically(log, masked("".join(traceback.format_exception(error))))
    told = masked(f"{type(error).__name__}: {error}").strip().splitlines()[0]
    return {
        "done": True,
        "epoch": 0,
        FAILURE: f"{told} (all of it: {log})",
        OUT_OF_MEMORY: is_out_of_memory(error),
    }
