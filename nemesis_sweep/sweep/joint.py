"""One study for all tasks: a trial trains the same configuration on every task, and the mean judges it."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

import optuna
from optuna.trial import FrozenTrial

from nemesis_sweep.spec.metrics import direction
from nemesis_sweep.spec.sweep import JOINT, Sweep
from nemesis_sweep.sweep.study import Study
from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec


class JointStudy(Study):
    """The joint study of all tasks of a sweep.

    A trial goes through the tasks in the sweep's order, so equal steps of two trials are the same epoch of
    the same task, and the pruner can compare them. What is reported to :meth:`report` is the mean over the
    tasks begun so far. Where more is better the pruner sees it with the tasks to come counted as zero:
    pruners that look at a trial's best step so far (median, percentile, patient) would otherwise take an
    easy first task for a reason to let a trial go on for ever.
    """

    def __init__(self, sweep: Sweep, storage: optuna.storages.BaseStorage) -> None:
        super().__init__(sweep, JOINT, sweep.task_list(), storage)

    def report(self, number: str, epoch: int, value: float, replicates: Sequence[float] = ()) -> bool:
        """Take the mean over the tasks begun so far; true when the pruner would rather stop this trial."""
        return super().report(number, epoch, value * self._share(epoch), replicates)

    def trial_spec(self, parts: Sequence[TrialSpec]) -> JointTrialSpec:
        """One trial that has a part for each task."""
        own = tuple(replace(part, part_of=self.key) for part in parts)
        return JointTrialSpec(own, tuple(self.starts))

    def place(self, step: int) -> str:
        """Where in a trial a step is, in words."""
        begun = self._begun_at(step)
        task = self.tasks[begun - 1]
        return f"epoch {step - self.starts[begun - 1]} of {task.key}, task {begun} of {len(self.tasks)}"

    def last_value(self, trial: FrozenTrial) -> tuple[int, float] | None:
        """The last step that a trial reported, and the mean over the tasks begun until then."""
        last = super().last_value(trial)
        return last and (last[0], last[1] / self._share(last[0]))

    def _begun_at(self, step: int) -> int:
        """How many tasks a trial has begun at a step: the last step of a task is not yet the next task."""
        return max(1, bisect_left(self.starts, step))

    def _share(self, step: int) -> float:
        more_is_better = direction(self.objective) == "maximize"
        return self._begun_at(step) / len(self.tasks) if more_is_better else 1.0
