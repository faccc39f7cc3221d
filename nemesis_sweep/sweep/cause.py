"""What keeps every trial of a task from beginning: a backbone, data or a package, not the trial's own values.

No trial is spent on it. Those that met it stay RUNNING in Optuna, the studies that share it hand out nothing
more, and the run ends with it as with any other input that cannot be used.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from nemesis_sweep.messages.errors import Problem, UserError

if TYPE_CHECKING:
    from nemesis_sweep.sweep.study import Study

BACKBONE, DATASET, TASK, WORKERS = "backbone", "dataset", "task", "workers"
"""What a cause belongs to: all tasks of a backbone, of a dataset, one task, or whatever the workers do."""

_KEYS = {BACKBONE: "tasks.backbone", DATASET: "tasks.dataset", TASK: "tasks.dataset"}


@dataclass(frozen=True)
class Cause:
    """kind, name: what it belongs to. message, found, allowed: as in a ``Problem``. node: where it was."""

    kind: str
    name: str
    message: str
    found: str = ""
    allowed: str = ""
    node: str = ""

    @property
    def problem(self) -> Problem:
        """What a person is told; the node only where it is not this machine."""
        where = f" on {self.node}" if self.node not in ("", platform.node()) else ""
        name = f"{self.name}{where}: " if self.kind != WORKERS else ""
        message = f"{name}{self.message}" if name else f"no worker can begin a trial{where}: {self.message}"
        return Problem(message, key=_KEYS.get(self.kind, ""), found=self.found, allowed=self.allowed)

    def concerns(self, study: Study) -> bool:
        """Whether trials of a study would meet it, too."""
        if self.kind == WORKERS:
            return True
        attribute = "key" if self.kind == TASK else self.kind
        return any(getattr(task, attribute) == self.name for task in study.tasks)

    def to_plain(self) -> list[str]:
        """Plain values that Tune hands on as they are: it would take a dictionary apart."""
        return list(asdict(self).values())

    @classmethod
    def from_plain(cls, values: Iterable[str]) -> Cause:
        """What :meth:`to_plain` gave."""
        return cls(*values)


class SharedCauseError(UserError):
    """Raised in the place of an error that all trials share, from which it is raised."""

    def __init__(self, cause: Cause) -> None:
        self.cause = cause
        super().__init__(cause.problem)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.cause,)


class Causes:
    """The causes that a run has met."""

    def __init__(self) -> None:
        self.met: list[Cause] = []

    def add(self, cause: Cause) -> None:
        """Remember a cause; the same one on several nodes or of several trials once."""
        same = (cause.kind, cause.name, cause.message)
        if all((other.kind, other.name, other.message) != same for other in self.met):
            self.met.append(cause)

    def hold(self, study: Study) -> bool:
        """Whether a study has to wait until one of them is gone."""
        return any(cause.concerns(study) for cause in self.met)

    def __bool__(self) -> bool:
        return bool(self.met)

    @property
    def error(self) -> UserError:
        """All of them, as the end of a run."""
        return UserError([cause.problem for cause in self.met])
