"""A joint trial at work: the same configuration on one task after the other, judged by the mean over all."""

import math
from collections.abc import Mapping
from typing import Any

from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec, parts_of
from nemesis_sweep.sweep.worker.result import NOTE, take_result, write_result
from nemesis_sweep.sweep.worker.trial import TrialSession, mean, task_values, trial_tags, worker
from nemesis_sweep.tracking.part_run import PartRun
from nemesis_sweep.tracking.trial_run import TrialRun
from nemesis_sweep.training.references import applying
from nemesis_sweep.training.transfer import of_means


class JointSession:
    """A trial of a joint study, from the task and the epoch where it stopped to its end.

    :meth:`advance` trains up to the next validation of the task at hand and returns what Tune reports: the
    means over the tasks begun so far, and as ``epoch`` the pruner's step. The last has ``done``. Every task
    has a folder of its own with its checkpoint and its result; one that has a result is not trained again.
    """

    def __init__(self, spec: JointTrialSpec) -> None:
        self.spec = spec
        self.folder = spec.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self._notes: list[str] = []
        self.finished = take_result(self.folder, spec.owner, self._notes)
        self.results: list[dict[str, Any]] = []
        self.session: TrialSession | None = None
        if self.finished is None:
            self.run = self._open_run()
            self._take_results()

    def advance(self) -> dict[str, Any]:
        """Work until the next validation; the answer has ``epoch``, ``done`` and the means over the tasks."""
        if self.finished is not None:
            known = self.finished
            return self._report(known["step"], known["metrics"], known["replicates"], known["seconds"], True)
        over = self.results[:]
        told = {} if self._all_over else self._train()
        if self._failed:
            return self._without_a_mean()
        if self._all_over:
            return self._finish()
        begun = [*(result["metrics"] for result in over), told]
        seconds = sum(result["seconds"] for result in over) + told["seconds"]
        replicates = _replicates_over_tasks([*(result["replicates"] for result in over), told["replicates"]])
        step = self._step(len(over), told["epoch"])
        return self._report(step, _over_tasks(begun), replicates, seconds, False)

    @property
    def _all_over(self) -> bool:
        return self._failed or len(self.results) == len(self.spec.parts)

    @property
    def _failed(self) -> bool:
        return bool(self.results and self.results[-1]["failed_seeds"])

    def _train(self) -> dict[str, Any]:
        """Work on the first task without a result until its next validation."""
        part = self.spec.parts[len(self.results)]
        if self.session is None:
            self.session = TrialSession(part, PartRun(self.run, part.task.key))
        told = self.session.advance()
        if NOTE in told:
            self._notes.append(told[NOTE])
        if told["done"]:
            self.session = None
            self._take_results()
        return told

    def _take_results(self) -> None:
        """Read the results of the tasks that are over; they are trained in their order."""
        for part in self.spec.parts[len(self.results) :]:
            result = take_result(part.folder, part.owner, self._notes)
            if result is None or self._failed:
                return
            self.results.append(result)

    def _without_a_mean(self) -> dict[str, Any]:
        """End the trial: a replicate has failed on the last task, so there is no mean over all of them."""
        failed, number = self.results[-1], len(self.results) - 1
        metrics = dict.fromkeys(failed["metrics"], math.nan)
        step, seconds = self._step(number, failed["epochs"]), sum(each["seconds"] for each in self.results)
        task = self.spec.parts[number].task.key
        seeds = [f"{seed} on {task}" for seed in failed["failed_seeds"]]
        return {**self._report(step, metrics, {}, seconds, True), "failed_seeds": seeds}

    def _finish(self) -> dict[str, Any]:
        """Write the result over all tasks, the one sign that the trial is complete."""
        first = self.spec.parts[0]
        results = self.results
        step = self._step(len(results) - 1, results[-1]["epochs"])
        seconds = sum(result["seconds"] for result in results)
        metrics = _over_tasks([result["metrics"] for result in results])
        metrics |= of_means(metrics)
        replicates = _replicates_over_tasks([result["replicates"] for result in results])
        result = {
            "study": first.study,
            "number": first.number,
            "baseline": first.baseline,
            "params": dict(first.params),
            "config": shared_config(self.spec),
            "seeds": list(first.seeds),
            "epochs": sum(result["epochs"] for result in results),
            "step": step,
            "metrics": metrics,
            "replicates": replicates,
            "failed_seeds": [],
            "seconds": seconds,
            "worker": worker(),
        }
        self.run.finish("FINISHED", {**metrics, "seconds": seconds}, epoch=step)
        write_result(self.folder, result)
        return self._report(step, metrics, replicates, seconds, True)

    def _step(self, number: int, epoch: int) -> int:
        # Zero-shot has no epochs; its steps are told apart all the same.
        return self.spec.starts[number] + max(1, epoch)

    def _report(
        self,
        step: int,
        metrics: Mapping[str, float],
        replicates: Mapping[str, list[float]],
        seconds: float,
        done: bool,
    ) -> dict[str, Any]:
        told: dict[str, Any] = {"epoch": step, "seconds": seconds, "failed_seeds": [], "done": done}
        if self._notes:
            told[NOTE] = "; ".join(self._notes)
            self._notes.clear()
        return {**metrics, "replicates": dict(replicates), **told}

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
        return TrialRun.open(
            self.folder,
            {**task_values(tasks), **shared, **own, "seeds": list(first.seeds)},
            trial_tags(tasks, first.baseline),
        )


def shared_config(spec: TrialSpec | JointTrialSpec) -> dict[str, Any]:
    """The method's values that are the same for all tasks; a dataset may have some of its own."""
    first, *others = (part.method.model_dump() for part in parts_of(spec))
    return {
        name: value
        for name, value in first.items()
        if all(name in other and other[name] == value for other in others)
    }


def open_session(spec: TrialSpec | JointTrialSpec) -> TrialSession | JointSession:
    """The session that works on what the driver handed out."""
    if isinstance(spec, JointTrialSpec):
        return JointSession(spec)
    return TrialSession(spec)


def _over_tasks(tasks: list[Mapping[str, Any]]) -> dict[str, float]:
    """The mean over tasks of every metric that all of them have."""
    first, *others = tasks
    names = [name for name in first if "/" in name and all(name in other for other in others)]
    return {name: mean([task[name] for task in tasks]) for name in names}


def _replicates_over_tasks(tasks: list[Mapping[str, list[float]]]) -> dict[str, list[float]]:
    """The mean over tasks of every metric that all of them have, seed by seed."""
    first, *others = tasks
    names = [name for name in first if all(name in other for other in others)]
    return {
        name: [mean(list(values)) for values in zip(*(task[name] for task in tasks), strict=True)]
        for name in names
    }
