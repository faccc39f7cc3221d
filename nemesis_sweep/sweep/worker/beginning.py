"""What a worker does before a trial trains: what fails there would fail for every other trial, too."""

from __future__ import annotations

import platform
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.cause import Cause, SharedCauseError
from nemesis_sweep.vlm.gpu_errors import is_out_of_memory, is_sticky

GONE = "once the cause is gone, the same command goes on"


@contextmanager
def shared_by(kind: str, name: str, home: str = "", own: bool = False) -> Iterator[None]:
    """Raise ``SharedCauseError`` for whatever goes wrong within.

    kind, name: what it belongs to, as in ``Cause``. home: the sweep's, where the traceback of an error that
    no line explains is kept. own: whether values of the trial itself decide about what is done here; only
    what files and packages are to blame for is then shared.
    A GPU that is too small is left to those who know that a larger share may help, and one that this process
    can use no more to those who end it.
    """
    try:
        yield
    except SharedCauseError:
        raise
    # SystemExit: a module that was meant to be a program. Ctrl-C is none of them.
    except (Exception, SystemExit) as error:
        of_the_gpu = is_out_of_memory(error) or is_sticky(error)
        if of_the_gpu or (own and not isinstance(error, UserError | OSError | ImportError)):
            raise
        raise SharedCauseError(_cause(kind, name, error, home)) from error


def _cause(kind: str, name: str, error: BaseException, home: str) -> Cause:
    if isinstance(error, UserError):
        first = error.problems[0]
        place = ": ".join(part for part in (first.file, first.message) if part)
        return Cause(kind, name, place, first.found, first.allowed or GONE, platform.node())
    words = str(error).strip().splitlines() or [""]
    told = f"{type(error).__name__}: {words[0]}"
    log = _kept(error, Path(home)) if home else None
    return Cause(kind, name, told + (f" (all of it: {log})" if log else ""), "", GONE, platform.node())


def _kept(error: BaseException, home: Path) -> Path | None:
    """Keep the traceback in the home; where, or None if nothing can be written there."""
    log = home / "logs" / "causes.log"
    with suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write("".join(traceback.format_exception(error)) + "\n")
        return log
    return None
