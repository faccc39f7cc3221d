"""Which images of a sweep's tasks cannot be read: found before the first trial, told, skipped or refused."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nemesis_sweep.data.cache import encoded_keys
from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.folder import default_root
from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.data.protocols import ProtocolSplit
from nemesis_sweep.data.registry import SHIPPED
from nemesis_sweep.data.skipping import pictures, unreadable
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.printable import printable
from nemesis_sweep.spec.tasks import Task

MANY = 512
"""Images from which on they are encoded to be looked at: fewer are decoded before a worker has started."""

NAMED = 20
"""Images that a message names at most."""

LookAtTasks = Callable[[Sequence[Task], Mapping[str, str]], dict[str, str]]
"""Looks at the images of tasks, given what is known of images by their names, and gives what is known then:
'' of those that can be read, of others what is wrong."""


class Images:
    """Looks at the images of one task after the other, and keeps what it knows of each."""

    def __init__(self, skip: bool, say: SayLine) -> None:
        self._skip, self._say = skip, say
        self._seen: dict[str, str] = {}
        self._broken: dict[str, str] = {}

    def look_first(self, tasks: Mapping[Task, ProtocolSplit], look: LookAtTasks | None) -> None:
        """Know of as many images as possible before any is decoded here.

        Those that have features in the cache are whole. Where many others are left, ``look`` looks at them.
        """
        wanted = {task: each for task, each in tasks.items() if not _shipped(each)}
        encoded = encoded_keys(default_root()) if wanted else set()
        unknown: set[str] = set()
        open_tasks: list[Task] = []
        for task, arranged in wanted.items():
            named = pictures(arranged)
            for name in named.keys() - self._seen.keys() - unknown:
                if encoded and _key(named[name]) in encoded:
                    self._seen[name] = ""
                else:
                    unknown.add(name)
            if not unknown.isdisjoint(named):
                open_tasks.append(task)
        if look is not None and len(unknown) >= MANY:
            self._seen |= look(open_tasks, self._seen)

    def skipped(
        self, arranged: ProtocolSplit, task: Task, former: Mapping[str, Any] | None
    ) -> dict[str, str]:
        """Images that the task goes on without, and why; none where broken ones stop the sweep.

        former: the task's record of an earlier run. It counts: a file that is repaired later must not change
        what other trials are trained on.
        """
        if former is not None:
            bad = former.get("skipped", {})
        elif _shipped(arranged):  # whole, and tested
            bad = {}
        else:
            bad = unreadable(arranged, self._say, self._seen)
        if not self._skip:
            self._broken |= bad if former is None else {}
            return {}
        for name, reason in bad.items():
            self._say(printable(f"{task.label}: skipped {name}: {reason}"))
        return dict(bad)

    def refuse_broken(self) -> None:
        """Raise ``UserError`` with the images of all tasks that stop the sweep."""
        if not self._broken:
            return
        allowed = "whole images; `tasks.unreadable: skip` goes on without them"
        more = f" (the first {NAMED} follow)" if len(self._broken) > NAMED else ""
        what = f"{counted(len(self._broken), 'image')} of the tasks cannot be read{more}"
        found = list(self._broken.items())[:NAMED]
        problems = [Problem(f"cannot read {name}: {reason}") for name, reason in found]
        raise UserError([Problem(what, key="tasks.unreadable", found="stop", allowed=allowed), *problems])


def _shipped(arranged: ProtocolSplit) -> bool:
    return all(data.split == SHIPPED for data in (arranged.source, *arranged.targets.values()))


def _key(item: Item) -> bytes | None:
    """The picture's key in the cache; None where it cannot be read."""
    try:
        return bytes.fromhex(item.key)
    except OSError:
        return None
