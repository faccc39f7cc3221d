"""What takes the place of training in a simulation: a response, and a trial that follows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec


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
    """Tells what a trial would measure; the same trial is always answered by the same curve."""

    @property
    def identity(self) -> Values:
        """Plain values that are equal for equal responses, kept in the home of the simulation."""

    @property
    def any_seeds(self) -> bool:
        """Whether it tells what a trial would measure on seeds that the sweep has not."""

    def curve(self, spec: TrialSpec) -> Curve:
        """The whole curve of a trial, as if nobody stopped it."""


def curve_of(response: Response, spec: TrialSpec | JointTrialSpec) -> Curve:
    """The curve of a trial; a joint one's has the means over the tasks begun so far, as JointSession's."""
    if not isinstance(spec, JointTrialSpec):
        return response.curve(spec)
    steps, seconds, metrics = [], [], []
    over: list[Mapping[str, list[float]]] = []
    spent = 0.0
    for start, part in zip(spec.starts, spec.parts, strict=True):
        curve = response.curve(part)
        # Zero-shot has no epochs; its steps are told apart all the same.
        steps += [start + max(1, epoch) for epoch in curve.epochs]
        seconds += [spent + own for own in curve.seconds]
        metrics += [_over_tasks([*over, own]) for own in curve.metrics]
        over.append(curve.metrics[-1])
        spent = seconds[-1]
    return Curve(tuple(steps), tuple(seconds), tuple(metrics))


def with_curve(row: Row, curve: Curve) -> Row:
    """The row of a trial with what it measured that followed its curve to the end."""
    replicates = curve.metrics[-1]
    return replace(row, epochs=curve.epochs[-1], metrics=_means(replicates), replicates=replicates)


def _means(replicates: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: sum(values) / len(values) for name, values in replicates.items()}


def _over_tasks(tasks: Sequence[Mapping[str, list[float]]]) -> dict[str, list[float]]:
    """The mean over tasks of every metric that all have, seed by seed where all have the same seeds."""
    first, *others = tasks
    found = {}
    for name in (name for name in first if all(name in other for other in others)):
        values = [task[name] for task in tasks]
        if len({len(own) for own in values}) > 1:
            values = [[sum(own) / len(own)] for own in values]
        found[name] = [sum(of_seed) / len(tasks) for of_seed in zip(*values, strict=True)]
    return found


def report_epochs(spec: TrialSpec) -> tuple[int, ...]:
    """The epochs after which a trial reports: every ``eval_every`` and the last; 0 without a prompt."""
    if spec.reference:
        return (0,)
    epochs, every = spec.method.epochs, spec.eval_every
    return (*range(every, epochs, every), epochs)


class SimulatedTrial:
    """A trial that follows a curve, a report at a time, as a session does by training."""

    def __init__(self, curve: Curve) -> None:
        self.curve = curve
        self._reports = 0

    def advance(self) -> tuple[float, Report]:
        """Simulated seconds until the next report, and the report."""
        now = self._reports
        self._reports += 1
        before = self.curve.seconds[now - 1] if now else 0.0
        report = Report(
            epoch=self.curve.epochs[now],
            metrics=_means(self.curve.metrics[now]),
            replicates=dict(self.curve.metrics[now]),
            seconds=self.curve.seconds[now],
            done=now + 1 == len(self.curve.epochs),
        )
        return self.curve.seconds[now] - before, report
