"""A trial that raised: it answers like any other, so its worker stays warm and nothing is tried in vain."""

import platform
import traceback
from pathlib import Path

from nemesis_sweep.files.atomic import write_atomically
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.sweep.cause import SharedCauseError
from nemesis_sweep.sweep.home.full_disk_error import no_room
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.vlm.gpu_errors import is_out_of_memory

LOG = "error.txt"


def failure(error: Exception, folder: Path) -> Report:
    """The last answer of a trial that raised ``error``; its traceback goes to ``error.txt`` in ``folder``."""
    log = folder / LOG
    full = no_room(error, folder)
    if full is not None:
        return Report(done=True, full=f"{full} on {platform.node()}")
    if isinstance(error, SharedCauseError):
        return Report(done=True, cause=error.cause)
    write_atomically(log, masked("".join(traceback.format_exception(error))))
    told = masked(f"{type(error).__name__}: {error}").strip().splitlines()[0]
    return Report(done=True, failure=f"{told} (all of it: {log})", out_of_memory=is_out_of_memory(error))
