"""The current folder, which may be gone: deleted, or unpacked anew by another shell."""

from __future__ import annotations

import os
from pathlib import Path

from nemesis_sweep.messages.errors import Problem, UserError

GONE = " (deleted)"
"""What Linux writes behind the name of a folder that is gone."""

_lost: Path | None = None


def leave_a_lost_folder() -> None:
    """Work in a folder that exists where the current one is gone, for libraries look for it as they load.

    That is the folder which now has its name, else `/`. From there a relative path would mean something else:
    :func:`from_here` refuses those, and every path that a person gave goes through it.
    """
    global _lost
    try:
        Path.cwd()
    except OSError:
        _lost = _former_name()
        if _lost.is_dir():
            os.chdir(_lost)
            _lost = None
        else:
            os.chdir("/")
    else:
        _lost = None


def leave_if_lost() -> bool:
    """As :func:`leave_a_lost_folder`, in the middle of a run; whether the folder has vanished since then."""
    try:
        Path.cwd()
    except OSError:
        leave_a_lost_folder()
        return True
    return False


def from_here(path: Path) -> Path:
    """Return the path as it is. UserError for a relative one where the current folder is gone."""
    if _lost is not None and not expanded(path).is_absolute():
        message = "the current folder is gone, so a relative path leads nowhere"
        allowed = "an absolute path, or `cd` to another folder first"
        raise UserError(Problem(message, found=str(path), allowed=allowed))
    return path


def expanded(path: str | Path) -> Path:
    """Return the path with `~` and `~user` resolved; as it is where there is no such user."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path's own ends in a RuntimeError there


def here() -> Path:
    """Return the current folder; where it is gone, the path that it had."""
    return Path.cwd() if _lost is None else _lost


def _former_name() -> Path:
    try:
        link = os.readlink("/proc/self/cwd")  # noqa: PTH115 - a Path would follow it
    except OSError:  # Not on Linux.
        return Path("/")
    return Path(link.removesuffix(GONE))
