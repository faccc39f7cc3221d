"""What another user of the machine meets: a child process without the rights of root."""

from __future__ import annotations

import os
from collections.abc import Callable

NOBODY = 65534


def told_somebody_else(work: Callable[[], object]) -> str:
    """What ``work`` raises as another user, as text; what it gives where it raises nothing.

    Whoever runs the tests need not be root: then the child is of the same user, who may not open what nobody
    may.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            told = str(work())
        except BaseException as error:
            told = f"{type(error).__name__}: {error}"
        os.write(writer, told.encode()[:4000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return told
