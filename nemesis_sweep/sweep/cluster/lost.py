"""A Ray cluster that is gone: a cluster of our own is started again, by starting this command again."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.interrupt import SIGNALS

ONCE = ("--fresh", "--retry-failed")
"""Options of `run` that are not repeated when a run is continued: they would undo what it did."""
RESTARTS = "NEMESIS_SWEEP_RESTARTS"
MOST = 3
"""How often in a row Ray is started again without a single result in between."""

INTERRUPTED, REFUSED = 130, 2
SHOW_CURSOR = b"\x1b[?25h"
ALLOWED = "the same command, which goes on from there; nothing that was reported is lost"


class LostClusterError(BaseException):
    """The cluster on which a sweep runs is gone, or does not come up.

    Not an ``Exception``: nothing between Ray and the command may take it for a trial's own.
    reason: what happened, in words. address: of somebody else's cluster, which cannot be started again; ''
    for our own. final: whether a new start would come to the same end.
    """

    def __init__(self, reason: str, address: str = "", final: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.address, self.final = reason, address, final

    @property
    def told(self) -> UserError | None:
        """What to end with; None when Ray should be started again."""
        if self.address:
            return UserError(
                Problem(
                    f"the Ray cluster is gone: {self.reason}",
                    "RAY_ADDRESS",
                    found=self.address,
                    allowed=ALLOWED,
                )
            )
        if self.final:
            return UserError(Problem(f"Ray does not work here: {self.reason}"))
        if _restarts() < MOST:
            return None
        message = f"Ray was lost {_restarts() + 1} times without a result in between"
        return UserError(Problem(message, found=self.reason, allowed=ALLOWED))


def went_on() -> None:
    """A result has come: whatever happens next is a new fault."""
    os.environ.pop(RESTARTS, None)


@contextmanager
def starting_again() -> Iterator[None]:
    """Within, this process is the command's own: a lost cluster makes it start anew, as after a kill -9.

    A process that has lost its cluster cannot begin another one: Ray's C++ ends it a minute after the GCS.
    Raises ``UserError`` where a new start is of no use.
    """
    global _ours
    _ours = True
    if RESTARTS in os.environ:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        yield
    except LostClusterError as lost:
        if lost.told is not None:
            raise lost.told from None
        _start_again(lost)
    finally:
        _ours = False


def asked_to_stop() -> None:
    """A person wants the end: nothing is started again."""
    global _stopping
    _stopping = True


def last_resort(lost: LostClusterError) -> None:
    """As :func:`starting_again`, out of any thread, when the main one hears nothing any more."""
    if not _ours:
        return
    with suppress(OSError):
        os.write(2, SHOW_CURSOR if os.isatty(2) else b"")
        if _stopping:
            os.write(2, b"\nInterrupted. What was reported is kept; the same command continues.\n")
        elif lost.told is not None:
            os.write(2, f"\nerror: {lost.told}\n".encode())
    if _stopping or lost.told is not None:
        os._exit(INTERRUPTED if _stopping else REFUSED)
    _start_again(lost)


def _start_again(lost: LostClusterError) -> NoReturn:
    os.environ[RESTARTS] = str(_restarts() + 1)
    # A signal would kill the new start before it can hear: it waits until `starting_again`.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    with suppress(OSError):
        sys.stdout.flush()
        os.write(2, f"\n{lost.reason}; Ray is started again and the sweep goes on\n".encode())
    if _folder is not None:
        os.chdir(_folder)
    os.execv(sys.executable, [sys.executable, *(word for word in sys.orig_argv[1:] if word not in ONCE)])


def _restarts() -> int:
    text = os.environ.get(RESTARTS, "")
    return int(text) if text.isdigit() else 0


def _here() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


_folder = _here()
_ours = _stopping = False
