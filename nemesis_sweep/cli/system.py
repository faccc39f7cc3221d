"""What the system refuses where no verb foresaw it: a line with the file and the reason, and no traceback."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from nemesis_sweep.files.regular_file import NotRegularError
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.messages.printable import printable

EXIT_CODE = 2
INTERRUPTED = 130
"""The exit code after Ctrl-C, a shell's own."""
NAMELESS = frozenset(
    {*(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO), *(errno.EMFILE, errno.ENFILE, errno.ENOMEM)}
)
"""Errors that say enough without a file. One without a name is mostly the output, sent to a full disk."""
CONDITIONS = NAMELESS | {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG),
    *(errno.ENOTEMPTY, errno.EBUSY, errno.ETXTBSY, errno.ENXIO, errno.ENODEV, errno.ESTALE),
}
"""Errors of the machine and of who may do what on it. Others, such as a file that is gone, may be ours."""


def condition(error: OSError) -> str:
    """What to tell of an error that is the machine's, in one line; '' for any other."""
    if error.errno not in CONDITIONS and not isinstance(error, NotRegularError):
        return ""
    # Of a file that could not be renamed, the other is only a name of ours.
    file = error.filename2 if error.filename2 is not None else error.filename
    if file is None:
        return os.strerror(error.errno) if error.errno in NAMELESS else ""
    name = f"file {file}" if isinstance(file, int) else os.fsdecode(file)
    return printable(masked(f"{name}: {error.strerror}"))


def refused(told: str) -> NoReturn:
    """Say it and end this process; the output may be what is full."""
    with suppress(OSError):
        sys.stdout.flush()
    with suppress(OSError):
        print(f"error: {told}", file=sys.stderr, flush=True)
    for stream in (sys.stdout, sys.stderr):
        # What they still hold they would try to write at the end.
        try:
            stream.flush()
        except OSError:
            with suppress(OSError), Path(os.devnull).open("w", encoding="utf-8") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
    sys.exit(EXIT_CODE)
