"""A small parent of `run`, which begins it again when Ray was lost, and ends as it ends.

A process that has lost its cluster cannot begin another one: Ray's C++ ends it a minute after the GCS, and at
once where a server dies while the driver signs on to it. No Python in that process can prevent it. So `run`
works in a child of the process that was started, and tells its parent on a pipe what the end will mean.
"""

import ctypes
import mmap
import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.cluster.processes import below, end_all
from nemesis_sweep.sweep.interrupt import SIGNALS, arrivals

ONCE = ("--fresh", "--retry-failed")
"""Options of `run` that are not repeated when a run is begun again: they would undo what it did."""
MOST = 3
"""How often in a row Ray is started again without a single result in between."""

RAY, RESULT, STOPPING, LOST, DONE = "ray", "result", "stopping", "lost", "done"
"""Words of the child: it uses the Ray cluster at an address ('' for its own), a result came, a person wants
the end, the cluster is lost for this reason, and what it ends with is what it means."""

INTERRUPTED, REFUSED = 130, 2
ALLOWED = "the same command, which goes on from there; nothing that was reported is lost"
SHOW_CURSOR = b"\x1b[?25h"

_CRASHES = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}
_FROM_THE_KERNEL = 128
_DIE_WITH_PARENT, _ADOPT_ORPHANS = 1, 36
"""Numbers of Linux: ``si_code`` of a signal that a terminal sends, and two first arguments of ``prctl``."""

_parent: int | None = None
_losses = 0
_said: set[str] = set()


def supervise() -> None:
    """Come back in a child of this process, while this process waits for it and ends as it ends.

    To be called before there are threads. Where there is no Linux, or no room for a process, it comes back in
    this one, which :func:`is_supervised` tells.
    """
    if sys.platform != "linux":
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*SIGNALS, signal.SIGCHLD})
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_ADOPT_ORPHANS, 1)
    losses = 0
    while (begun := _begin(losses)) is not None:
        child, reader, handed_on = begun
        code, signals = _outlived(child, handed_on)
        losses = _end_or_go_on(code, _words(reader), losses)
        sys.argv = [word for word in sys.argv if word not in ONCE]
        # What the former child did not answer any more waits until `hear_signals` of the next one.
        mask |= set(SIGNALS)
        for number in signals:
            os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _begin(losses: int) -> tuple[int, int, mmap.mmap] | None:
    """A child, where its words can be read, and where signals that are handed on to it are counted; None in
    the child itself, and where there can be none."""
    global _parent, _losses
    mother = os.getpid()
    reader, writer = os.pipe()
    handed_on = mmap.mmap(-1, signal.NSIG)  # A byte a number, which both see: nobody asks 256 times.
    try:
        child = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        return None
    if child:
        os.close(writer)
        return child, reader, handed_on
    os.close(reader)
    _parent, _losses = writer, losses
    arrivals.handed_on = handed_on.__getitem__
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != mother:
        os._exit(1)
    return None


def is_supervised() -> bool:
    """Whether a parent begins this process again."""
    return _parent is not None


def begins_again() -> bool:
    """Whether its parent begins this process again if it loses Ray now."""
    return is_supervised() and (_losses < MOST or RESULT in _said)


def is_stopping() -> bool:
    """Whether a person wants the end, and the parent knows."""
    return is_supervised() and STOPPING in _said


def hear_signals() -> None:
    """Let this process get the signals that may have come before it could answer them."""
    if is_supervised():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def tell(word: str, more: str = "") -> None:
    """Let the parent know once, if there is one, for when this process ends."""
    if _parent is not None and word not in _said:
        _said.add(word)
        with suppress(OSError):
            os.write(_parent, f"{word} {' '.join(more.split())[:500]}\n".encode())


def conclude() -> None:
    """Whatever this process now ends with is what it means; it hears no more signals."""
    if is_supervised():
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # Blocked here, they would reach another thread.
    tell(DONE)


def begin_again(reason: str) -> NoReturn:
    """End this process as one that has lost its cluster."""
    tell(LOST, reason)
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(1)


def _outlived(child: int, handed_on: mmap.mmap) -> tuple[int, set[int]]:
    """Wait for the end of a child and hand signals on to it; its exit code, and the signals that came."""
    came = set[int]()
    while True:
        told = signal.sigwaitinfo({*SIGNALS, signal.SIGCHLD})
        if told.si_signo == signal.SIGCHLD:
            if (code := _reap(child)) is not None:
                return code, came
            continue
        came.add(told.si_signo)
        # Of Ctrl-C a terminal tells all processes by itself, of its own end only the first one.
        if told.si_signo == signal.SIGHUP or told.si_code != _FROM_THE_KERNEL:
            handed_on[told.si_signo] = min(handed_on[told.si_signo] + 1, 255)
            os.kill(child, told.si_signo)


def _reap(child: int) -> int | None:
    """The exit code of the child, if it has ended; orphans that came to this process are only let go."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                return os.waitstatus_to_exitcode(ended[1])
    return None


def _words(reader: int) -> dict[str, str]:
    """What a child that has ended had said."""
    os.set_blocking(reader, False)
    said = b""
    with suppress(BlockingIOError):
        while more := os.read(reader, 1 << 16):
            said += more
    os.close(reader)
    lines = (line.partition(" ") for line in said.decode(errors="replace").splitlines())
    return {word: more for word, _, more in lines}


def _end_or_go_on(code: int, words: dict[str, str], losses: int) -> int:
    """How often in a row Ray was lost, if `run` is to go on; otherwise end as the child has ended."""
    if DONE in words:
        _end_as(code)
    end_all(below(os.getpid()))
    is_lost = RAY in words and (code >= 0 or -code in _CRASHES)
    if not is_lost:
        _end_as(code)
    if os.isatty(2):
        os.write(2, SHOW_CURSOR)
    if STOPPING in words:
        os.write(2, b"\nInterrupted. What was reported is kept; the same command continues.\n")
        os._exit(INTERRUPTED)
    reason = words.get(LOST) or "Ray has ended this process"
    losses = 1 if RESULT in words else losses + 1
    if words[RAY] or losses > MOST:
        os.write(2, f"\nerror: {lost_for_good(reason, words[RAY], losses)}\n".encode())
        os._exit(REFUSED)
    os.write(2, f"\n{reason}; Ray is started again and the sweep goes on\n".encode())
    return losses


def lost_for_good(reason: str, address: str = "", losses: int | None = None) -> UserError:
    """What to end with where Ray is not started again: the cluster is somebody else's, or nothing helped."""
    if address:
        message = f"the Ray cluster is gone: {reason}"
        return UserError(Problem(message, "RAY_ADDRESS", found=address, allowed=ALLOWED))
    losses = _losses + 1 if losses is None else losses
    often = f"{losses} times without a result in between" if losses > 1 else "while the sweep ran"
    return UserError(Problem(f"Ray was lost {often}", found=reason, allowed=ALLOWED))


def _end_as(code: int) -> NoReturn:
    """End by the same signal, or with the same code."""
    if code < 0:
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 128 - code)
