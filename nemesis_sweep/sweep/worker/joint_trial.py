"""A joint trial at work: the same configuration on one task after the other, judged by the mean over all."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nemesis_sweep.sweep.logged import applying, params_and_tags
from nemesis_sweep.sweep.result import Means, Replicates, Report, Result
from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec, shared_config
from nemesis_sweep.sweep.trial_words import running_name
from nemesis_sweep.sweep.worker.result import take_result
from nemesis_sweep.sweep.worker.session import Finished, Session, conclude, worker
from nemesis_sweep.sweep.worker.trial import open_trial
from nemesis_sweep.tracking.part_run import PartRun
from nemesis_sweep.tracking.trial_run import TrialRun
from nemesis_sweep.training.transfer import of_means


def open_session(spec: TrialSpec | JointTrialSpec) -> Session:
    """The session that works on what the driver handed out."""
    if isinstance(spec, TrialSpec):
        return open_trial(spec)
    spec.folder.mkdir(parents=True, exist_ok=True)
    result, note = take_result(spec.folder, spec.owner)
    return JointSession(spec, note) if result is None else Finished(result)


class JointSession:
    """A trial of a joint study, from the task and the epoch where it stopped to its end.

    Every task has a folder of its own with its checkpoint and its result; one that has a result is not
    trained again. results: of the tasks that are over, in their order.
    """

    def __init__(self, spec: JointTrialSpec, note: str = "") -> None:
        self.spec = spec
        self.results: list[Result] = []
        self._notes = [note] if note else []
        self._run = self._open_run()
        self._session: Session | None = None
        self._take_results()

    def advance(self) -> Report:
        """Train up to the next validation of the task at hand.

        The report has the means over the tasks begun so far, and as ``epoch`` the pruner's step.
        """
        over = self.results[:]
        told = None if self._all_over else self._train()
        if self._failed:
            return self._without_a_mean()
        if told is None or self._all_over:
            return self._finish()
        begun: list[Report | Result] = [*over, told]
        return Report(
            epoch=self._step(len(over), told.epoch),
            metrics=_over_tasks([each.metrics for each in begun]),
            replicates=_replicates_over_tasks([each.replicates for each in begun]),
            seconds=sum(each.seconds or 0.0 for each in begun),
            note=self._told_once(),
        )

    @property
    def _all_over(self) -> bool:
        return self._failed or len(self.results) == len(self.spec.parts)

    @property
    def _failed(self) -> bool:
        return bool(self.results and self.results[-1].failed_seeds)

    def _train(self) -> Report:
        """Work on the first task without a result until its next validation."""
        part = self.spec.parts[len(self.results)]
        if self._session is None:
            self._session = open_trial(part, PartRun(self._run, part.task.key))
        told = self._session.advance()
        if told.note:
            self._notes.append(told.note)
        if told.done:
            self._session = None
            self._take_results()
        return told

    def _take_results(self) -> None:
        """Read the results of the tasks that are over; they are trained in their order."""
        for part in self.spec.parts[len(self.results) :]:
            result, note = take_result(part.folder, part.owner)
            if note:
                self._notes.append(note)
            if result is None or self._failed:
                return
            self.results.append(result)

    def _without_a_mean(self) -> Report:
        """End the trial: a replicate has failed on the last task, so there is no mean over all of them."""
        number, failed = len(self.results) - 1, self.results[-1]
        task = self.spec.parts[number].task.key
        return Report(
            epoch=self._step(number, failed.epochs),
            metrics=dict.fromkeys(failed.metrics, math.nan),
            seconds=self._seconds,
            failed_seeds=[f"{seed} on {task}" for seed in failed.failed_seeds],
            done=True,
            note=self._told_once(),
        )

    def _finish(self) -> Report:
        """Write the result over all tasks, the one sign that the trial is complete."""
        first, results = self.spec.parts[0], self.results
        metrics = _over_tasks([result.metrics for result in results])
        result = Result(
            study=first.study,
            number=first.number,
            baseline=first.baseline,
            params=dict(first.params),
            config=shared_config(self.spec),
            seeds=list(first.seeds),
            epochs=sum(result.epochs for result in results),
            step=self._step(len(results) - 1, results[-1].epochs),
            metrics={**metrics, **of_means(metrics)},
            replicates=_replicates_over_tasks([result.replicates for result in results]),
            failed_seeds=[],
            seconds=self._seconds,
            worker=worker(),
        )
        conclude(self.spec.folder, self._run, result)
        return result.report(self._told_once())

    @property
    def _seconds(self) -> float:
        return sum(result.seconds for result in self.results)

    def _step(self, number: int, epoch: int) -> int:
        # Zero-shot has no epochs; its steps are told apart all the same.
        return self.spec.starts[number] + max(1, epoch)

    def _told_once(self) -> str:
        notes, self._notes = self._notes, []
        return "; ".join(notes)

    def _open_run(self) -> TrialRun:
        first = self.spec.parts[0]
        tasks = [part.task for part in self.spec.parts]
        shared = applying(first.baseline, shared_config(self.spec))
        own = {
            f"{part.task.key}/{name}": value
            for part in self.spec.parts
            for name, value in applying(first.baseline, part.method.model_dump()).items()
            if name not in shared
        }
        values = {**shared, **own, "seeds": list(first.seeds)}
        params, tags = params_and_tags(tasks, first.baseline, first.params, values, first.varied)
        name = running_name(first.study, first.number, first.baseline, first.params)
        return TrialRun.open(self.spec.folder, params, tags, name)


def _over_tasks(tasks: Sequence[Means]) -> dict[str, float]:
    """The mean over tasks of every metric that all of them have."""
    return {name: sum(task[name] for task in tasks) / len(tasks) for name in _shared(tasks)}


def _replicates_over_tasks(tasks: Sequence[Replicates]) -> dict[str, list[float]]:
    """The mean over tasks of every metric that all of them have, seed by seed."""
    return {
        name: [sum(values) / len(values) for values in zip(*(task[name] for task in tasks), strict=True)]
        for name in _shared(tasks)
    }


def _shared(tasks: Sequence[Means] | Sequence[Replicates]) -> list[str]:
    """The metrics that all tasks have."""
    first, *others = tasks
    return [name for name in first if all(name in other for other in others)]
