"""What takes the place of training in a simulation: a response, and a trial that follows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from nemesis_sweep.spec.search import PROMPTLESS
from nemesis_sweep.sweep.assignment import Assignment


@dataclass(frozen=True)
class Curve:
    """What one trial measures, report by report.

    epochs: of the reports, as a real trial makes them. seconds: simulated training time up to each.
    metrics: name -> a value for each replicate; test metrics only in the last report.
    """

    epochs: tuple[int, ...]
    seconds: tuple[float, ...]
    metrics: tuple[Mapping[str, list[float]], ...]


class Response(Protocol):
    """Tells what a trial would measure; the same assignment is always answered by the same curve."""

    @property
    def identity(self) -> dict[str, Any]:
        """Plain values that are equal for equal responses, kept in the home of the simulation."""

    def curve(self, assignment: Assignment) -> Curve:
        """The whole curve of a trial, as if nobody stopped it."""


def report_epochs(assignment: Assignment) -> tuple[int, ...]:
    """The epochs after which a trial reports: every ``eval_every`` and the last; 0 without a prompt."""
    if assignment.baseline in PROMPTLESS:
        return (0,)
    epochs, every = assignment.method.epochs, assignment.eval_every
    return (*range(every, epochs, every), epochs)


class SimulatedTrial:
    """A trial that follows a curve, a report at a time, as TrialSession does by training."""

    def __init__(self, curve: Curve) -> None:
        self.curve = curve
        self._reports = 0

    def advance(self) -> tuple[float, dict[str, Any]]:
        """Simulated seconds until the next report, and the report, in TrialSession's form."""
        now = self._reports
        self._reports += 1
        before = self.curve.seconds[now - 1] if now else 0.0
        report: dict[str, Any] = {name: sum(v) / len(v) for name, v in self.curve.metrics[now].items()}
        report |= {
            "replicates": dict(self.curve.metrics[now]),
            "epoch": self.curve.epochs[now],
            "seconds": self.curve.seconds[now],
            "failed_seeds": [],
            "done": now + 1 == len(self.curve.epochs),
        }
        return self.curve.seconds[now] - before, report
