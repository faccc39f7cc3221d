"""A trial at work, without Ray: what every kind of session is, and the one that has nothing left to do."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nemesis_sweep.sweep.logged import final_metrics
from nemesis_sweep.sweep.result import Means, Replicates, Report, Result
from nemesis_sweep.sweep.worker.result import write_result
from nemesis_sweep.tracking.runs import Status


class Session(Protocol):
    """A trial from wherever an earlier worker left it to its end."""

    def advance(self) -> Report:
        """Work until there is something to tell; the last report is ``done``."""


class Record(Protocol):
    """What a session writes into MLflow: a run of its own, or its share of another's."""

    def log_epoch(self, epoch: int, metrics: Mapping[str, float], *, wait: bool = False) -> None: ...

    def log_files(self, folder: Path, kind: str, also: Sequence[str] = ()) -> None: ...

    def finish(self, status: Status, metrics: Mapping[str, float], *, epoch: int) -> None: ...


@dataclass(frozen=True)
class Finished:
    """A trial whose result is on disk already: it is answered with, and nothing is trained."""

    result: Result

    def advance(self) -> Report:
        """The trial's last report."""
        return self.result.report()


def conclude(folder: Path, record: Record, result: Result) -> None:
    """Write the result, the one sign that a trial is complete, after everything else is in place."""
    record.finish("FINISHED", final_metrics(result), epoch=result.last_step)
    write_result(folder, result)


def means_of(replicates: Replicates) -> Means:
    """Means over replicates; NaN where one of them has failed."""
    return {name: sum(values) / len(values) for name, values in replicates.items()}


def worker() -> str:
    """The host and the process that train."""
    return f"{socket.gethostname()}:{os.getpid()}"
