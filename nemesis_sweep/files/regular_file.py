"""Files that are what their name says: read to a bound, and never a device, a pipe or a folder."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MEGABYTE = 1_000_000
CHUNK = 1 << 24
"""Bytes that are read at once."""


class NotRegularError(OSError):
    """What a name leads to is a device, a pipe, a socket or a folder, or a file that is too large."""


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of a file, at most ``most`` of them.

    It is opened without waiting, so that a pipe whose other end nobody writes to is no end of the program.
    Raises ``NotRegularError`` for anything but a file and for a larger one, else ``OSError``.
    """
    descriptor = _open(path)
    try:
        check_regular(os.fstat(descriptor), most)
        # Not as much as its size says: files of the system, such as in /proc, say 0 and may have no end.
        content = bytearray()
        while part := os.read(descriptor, min(most + 1 - len(content), CHUNK)):
            content += part
            if len(content) > most:
                raise too_large(most)
        return bytes(content)
    finally:
        os.close(descriptor)


def read_head(path: Path, count: int) -> bytes:
    """The first bytes of a file; none of what is no file or cannot be read."""
    try:
        descriptor = _open(path)
    except OSError:
        return b""
    try:
        check_regular(os.fstat(descriptor))
        return os.read(descriptor, count)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def status_of(path: Path) -> os.stat_result:
    """What the system says of a file. Raises ``OSError`` also for a name that can be none."""
    try:
        return path.stat()
    except ValueError as error:  # Half a character, or an end of text in its midst.
        raise _no_path() from error


def is_there(path: Path) -> bool:
    """Whether there is anything at a path; False also where the system does not say, and for no path."""
    try:
        status_of(path)
    except OSError:
        return False
    return True


def open_regular(path: str, flags: int) -> int:
    """An opener for ``open``: waits for nobody, and raises ``NotRegularError`` for anything but a file."""
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    try:
        check_regular(os.fstat(descriptor))
    except NotRegularError as error:
        os.close(descriptor)
        raise NotRegularError(error.errno, error.strerror, path) from None
    return descriptor


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:
        raise _no_path() from error


def _no_path() -> NotRegularError:
    return NotRegularError(errno.EINVAL, "not a path")


def check_regular(status: os.stat_result, most: int | None = None) -> None:
    """Raise ``NotRegularError`` for what is no file, or one of more than ``most`` bytes."""
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularError(errno.EINVAL, f"{_kind(status.st_mode)}, not a file")
    if most is not None and status.st_size > most:
        raise too_large(most)


def too_large(most: int) -> NotRegularError:
    """What is said of a file with more than ``most`` bytes."""
    return NotRegularError(errno.EFBIG, f"larger than {most // MEGABYTE} MB")


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
