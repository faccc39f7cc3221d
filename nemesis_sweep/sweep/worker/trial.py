"""A trial at work, without Ray: trains in portions, keeps its state, records itself, ends with its result."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import stdev
from typing import TYPE_CHECKING, Any, Protocol

from nemesis_sweep.data.dataset import Dataset
from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.prompts.artifact import save_prompt
from nemesis_sweep.spec.baselines import trains_prompt
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker.encoding_log import encoding_report
from nemesis_sweep.sweep.worker.result import CHECKPOINT, NOTE, PROMPT, set_aside, take_result, write_result
from nemesis_sweep.sweep.worker.worker_cache import materials
from nemesis_sweep.tracking.runs import Status
from nemesis_sweep.tracking.trial_run import TrialRun
from nemesis_sweep.training.checkpoint import FILE, load_checkpoint, save_checkpoint
from nemesis_sweep.training.references import applying, measure_of
from nemesis_sweep.training.stopwatch import Stopwatch
from nemesis_sweep.training.training_run import Metrics, TrainingRun
from nemesis_sweep.training.transfer import of_means, transfer_metrics

if TYPE_CHECKING:
    from nemesis_sweep.prompts.learner import ImageClassifier


def mean(values: list[float]) -> float:
    """Mean over replicates; NaN when one of them has failed."""
    return sum(values) / len(values)


def trial_tags(tasks: Sequence[Task], baseline: str) -> dict[str, str]:
    """What a person filters runs by."""
    return {**task_values(tasks), "nemesis.baseline": baseline}


def task_values(tasks: Sequence[Task]) -> dict[str, str]:
    """What a trial is trained on; the values of several tasks stand side by side."""
    names = ("dataset", "shots", "val_shots", "backbone", "protocol")
    return {name: ", ".join(dict.fromkeys(str(getattr(task, name)) for task in tasks)) for name in names}


class Record(Protocol):
    """What a session writes into MLflow: a run of its own, or its share of another's."""

    def log_epoch(self, epoch: int, metrics: Mapping[str, float], *, wait: bool = False) -> None: ...

    def log_prompt(self, folder: Path) -> None: ...

    def finish(self, status: Status, metrics: Mapping[str, float], *, epoch: int) -> None: ...


class TrialSession:
    """One trial, from its last checkpoint to its end.

    :meth:`advance` trains up to the next validation and returns what Tune reports; the last of these
    has ``done``. A trial whose result is on disk already answers with it and trains nothing.
    It is recorded in ``run``, or in a run of its own.
    """

    def __init__(self, spec: TrialSpec, run: Record | None = None) -> None:
        self.spec = spec
        self.folder = spec.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self._notes: list[str] = []
        self.finished = take_result(self.folder, spec.owner, self._notes)
        if self.finished is not None:
            self.seconds = self.finished["seconds"]
            return
        # Long work tells of itself, so that the driver knows that it is going on.
        report = self._progress = encoding_report(Path(spec.home), spec.task.key)
        found = materials(
            spec.task,
            spec.seeds,
            spec.method,
            report,
            spec.home,
            searched=spec.params,
        )
        self.backbone, self.dataset, self.features = found.backbone, found.dataset, found.features
        self.targets = found.targets
        self.run = run or TrialRun.open(
            self.folder,
            {
                **task_values([spec.task]),
                **applying(spec.baseline, spec.method.model_dump()),
                "seeds": list(spec.seeds),
            },
            trial_tags([spec.task], spec.baseline),
        )
        self.seconds = 0.0
        if trains_prompt(spec.baseline):
            self._begin()
            self._resume()

    def advance(self) -> dict[str, Any]:
        """Work until the next validation; the answer has ``epoch``, ``done`` and the metrics' means."""
        if self.finished is not None:
            metrics, replicates = self.finished["metrics"], self.finished["replicates"]
            return self._report(self.finished["epochs"], metrics, replicates, done=True)
        if not trains_prompt(self.spec.baseline):
            measure = measure_of(self.spec.baseline)
            with Stopwatch() as watch:
                measured = measure(self.backbone, self.dataset, self.features)
                metrics = measured.metrics
                if measured.classifier_of is not None:
                    metrics = metrics | self._transfer(metrics, measured.classifier_of)
            self.seconds = watch.seconds
            return self._finish(metrics, epochs=0)
        with Stopwatch() as watch:
            metrics = self._train_portion()
        self.seconds += watch.seconds
        self.run.log_epoch(self.fit.epoch, _means(metrics))
        if self.fit.done:
            metrics |= self.fit.evaluate("test", self._progress)
            metrics |= self._transfer(metrics, self.fit.classifier)
            return self._finish(metrics, self.fit.epoch, save_prompt(self.folder, self.fit.prompt()))
        save_checkpoint(self.checkpoint, self._state(), str(self.spec.owner))
        return self._report(self.fit.epoch, _means(metrics), metrics, done=False)

    def _train_portion(self) -> Metrics:
        """Epochs up to the next multiple of ``eval_every``, or to the end, then validation."""
        while True:
            metrics = self.fit.run_epoch()
            if self.fit.done or self.fit.epoch % self.spec.eval_every == 0:
                break
            self.run.log_epoch(self.fit.epoch, _means(metrics), wait=True)
        return metrics | self.fit.evaluate("val", self._progress)

    def _transfer(self, metrics: Metrics, classifier_of: Callable[[Dataset], "ImageClassifier"]) -> Metrics:
        """Metrics on the test sets that the protocol adds, and what they make of `test/accuracy`."""
        protocol = self.spec.task.protocol
        return transfer_metrics(protocol, metrics, self.targets, classifier_of, self._progress)

    def _finish(self, metrics: Metrics, epochs: int, prompt: str = "") -> dict[str, Any]:
        """Write the result, the one sign that a trial is complete, after everything else is in place."""
        means = _means(metrics)
        means |= of_means(means)
        result = {
            "study": self.spec.study,
            "task": self.spec.task.key,
            "number": self.spec.number,
            "baseline": self.spec.baseline,
            "params": dict(self.spec.params),
            "config": self.spec.method.model_dump(),
            "seeds": list(self.spec.seeds),
            "epochs": epochs,
            "metrics": means,
            "replicates": metrics,
            "failed_seeds": self.failed_seeds,
            "seconds": self.seconds,
            "worker": worker(),
        }
        if epochs:
            result["selected_share"] = self.fit.selected_share()
            result[PROMPT] = prompt
            self.run.log_prompt(self.folder)
        self.run.finish("FINISHED", {**means, **spread(metrics), "seconds": self.seconds}, epoch=epochs)
        write_result(self.folder, result)
        return self._report(epochs, means, metrics, done=True)

    def _report(
        self, epoch: int, metrics: Mapping[str, float], replicates: Mapping[str, list[float]], done: bool
    ) -> dict[str, Any]:
        notes, self._notes = self._notes, []
        return {
            **metrics,
            **({NOTE: "; ".join(notes)} if notes else {}),
            "replicates": dict(replicates),
            "epoch": epoch,
            "seconds": self.seconds,
            "failed_seeds": self.failed_seeds,
            "done": done,
        }

    @property
    def failed_seeds(self) -> list[int]:
        """Seeds of the replicates that met a loss that is not finite."""
        if self.finished is not None:
            return list(self.finished["failed_seeds"])
        if not trains_prompt(self.spec.baseline):
            return []
        return [self.spec.seeds[number] for number in self.fit.trainer.failed]

    def _state(self) -> dict:
        import torch

        return {**self.fit.state(), "seconds": torch.tensor(self.seconds, dtype=torch.float64)}

    @property
    def checkpoint(self) -> Path:
        """The folder of the state from which an interrupted trial goes on."""
        return self.folder / CHECKPOINT

    def _begin(self) -> None:
        trial, names, template = self.spec, self.dataset.classnames, self.dataset.template
        self.fit = TrainingRun(self.backbone, names, trial.method, trial.seeds, self.features, template)

    def _resume(self) -> None:
        """Go on from the checkpoint, if there is one; from the beginning, where it is damaged."""
        try:
            state = load_checkpoint(self.checkpoint, str(self.spec.owner))
            if state is not None:
                seconds = float(state.pop("seconds"))
                self.fit.load_state(state)
                self.seconds = seconds
        except (DamagedError, KeyError, RuntimeError, ValueError) as error:
            # The latter of a file of an earlier version, which has no checksum: it does not fit this trial.
            file = self.checkpoint / FILE
            set_aside(file)
            why = error if isinstance(error, DamagedError) else f"{file} does not fit this trial ({error})"
            self._notes.append(f"trained from the beginning, for {why}")
            self._begin()


def worker() -> str:
    """The host and the process that train."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _means(metrics: Metrics) -> dict[str, float]:
    return {name: mean(values) for name, values in metrics.items()}


def spread(metrics: Metrics) -> dict[str, float]:
    """The standard deviation over replicates of the accuracies at the end, as `val/accuracy_std`."""
    several = {name: values for name, values in metrics.items() if len(values) > 1}
    return {f"{name}_std": stdev(values) for name, values in several.items() if name.endswith("/accuracy")}
