"""One thread at a time in an object that several work with."""

import threading
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar


class Locked(Protocol):
    """What has a lock of its own, one that its holder may take again."""

    lock: threading.RLock


Owner = TypeVar("Owner", bound=Locked)
Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def alone(method: Callable[Concatenate[Owner, Given], Answer]) -> Callable[Concatenate[Owner, Given], Answer]:
    """Let one thread at a time into the methods of an object that are marked with this."""

    @wraps(method)
    def locked(owner: Owner, *args: Given.args, **named: Given.kwargs) -> Answer:
        with owner.lock:
            return method(owner, *args, **named)

    return locked
