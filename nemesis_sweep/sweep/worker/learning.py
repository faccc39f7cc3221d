"""A trial that trains a prompt: in portions, keeping its state, to its result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.prompts.artifact import FILES, save_prompt
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker.kept_corruption import keep_corruption
from nemesis_sweep.sweep.worker.kept_predictions import KeptPredictions
from nemesis_sweep.sweep.worker.promptless import result_of
from nemesis_sweep.sweep.worker.result import CHECKPOINT, set_aside
from nemesis_sweep.sweep.worker.session import Record, conclude, means_of
from nemesis_sweep.sweep.worker.words import write_words
from nemesis_sweep.sweep.worker.worker_cache import Materials
from nemesis_sweep.training.checkpoint import FILE, load_checkpoint, save_checkpoint
from nemesis_sweep.training.stopwatch import Stopwatch
from nemesis_sweep.training.training_run import Metrics, TrainingRun
from nemesis_sweep.training.transfer import transfer_metrics


class Learning:
    """A trial from its last checkpoint to its end. fit: its training."""

    def __init__(self, spec: TrialSpec, found: Materials, record: Record, say: SayLine, note: str) -> None:
        """say: told how far long epochs and evaluations are. note: what the first report begins with."""
        self.spec = spec
        self._found, self._record, self._say = found, record, say
        self.fit, self.seconds, damage = self._resumed()
        self._notes = [line for line in (note, damage) if line]

    def advance(self) -> Report:
        """Train up to the next validation, at the end up to the result."""
        with Stopwatch() as watch:
            metrics = self._train_portion()
        self.seconds += watch.seconds
        self._record.log_epoch(self.fit.epoch, means_of(metrics))
        if self.fit.done:
            kept = KeptPredictions(self.spec)
            metrics |= self.fit.evaluate("test", self._say, kept.own)
            metrics |= transfer_metrics(
                self.spec.task.protocol,
                metrics,
                self._found.targets,
                self.fit.classifier,
                self._say,
                kept.add,
            )
            if not self.failed_seeds:
                kept.write()
            return self._finish(metrics)
        self._save()
        return Report(
            epoch=self.fit.epoch,
            metrics=means_of(metrics),
            replicates=metrics,
            seconds=self.seconds,
            failed_seeds=self.failed_seeds,
            note=self._told_once(),
        )

    @property
    def failed_seeds(self) -> list[int]:
        """Seeds of the replicates that met a loss that is not finite."""
        return [self.spec.seeds[number] for number in self.fit.trainer.failed]

    @property
    def checkpoint(self) -> Path:
        """The folder of the state from which an interrupted trial goes on."""
        return self.spec.folder / CHECKPOINT

    def _train_portion(self) -> Metrics:
        """Epochs up to the next multiple of ``eval_every``, or to the end, then validation."""
        while True:
            metrics = self.fit.run_epoch(self._say)
            if self.fit.done or self.fit.epoch % self.spec.eval_every == 0:
                break
            self._record.log_epoch(self.fit.epoch, means_of(metrics), wait=True)
        return metrics | self.fit.evaluate("val", self._say)

    def _finish(self, metrics: Metrics) -> Report:
        prompt = self.fit.prompt()
        checksum = save_prompt(self.spec.folder, prompt)
        also = write_words(self.spec.folder, prompt, self._found.backbone)
        if not self.failed_seeds:
            also += keep_corruption(self.spec, self.fit, self._record, self._say)
        result = replace(
            result_of(self.spec, metrics, self.seconds),
            epochs=self.fit.epoch,
            failed_seeds=self.failed_seeds,
            selected_share=self.fit.selected_share(),
            prompt_checksum=checksum,
        )
        self._record.log_files(self.spec.folder, FILES.name, also)
        conclude(self.spec.folder, self._record, result)
        return result.report(self._told_once())

    def _told_once(self) -> str:
        notes, self._notes = self._notes, []
        return "; ".join(notes)

    def _save(self) -> None:
        import torch

        seconds = torch.tensor(self.seconds, dtype=torch.float64)
        save_checkpoint(self.checkpoint, {**self.fit.state(), "seconds": seconds}, str(self.spec.owner))

    def _begun(self) -> TrainingRun:
        trial, found = self.spec, self._found
        names, template = found.dataset.classnames, found.dataset.template
        return TrainingRun(found.backbone, names, trial.method, trial.seeds, found.features, template)

    def _resumed(self) -> tuple[TrainingRun, float, str]:
        """Training from its checkpoint, if there is one, and its seconds; from the beginning, and why, where
        that is damaged."""
        fit = self._begun()
        try:
            state = load_checkpoint(self.checkpoint, str(self.spec.owner))
            if state is None:
                return fit, 0.0, ""
            seconds = float(state.pop("seconds"))
            fit.load_state(state)
            return fit, seconds, ""
        except (DamagedError, KeyError, RuntimeError, ValueError) as error:
            # The latter of a file of an earlier version, which has no checksum: it does not fit this trial.
            file = self.checkpoint / FILE
            set_aside(file)
            why = error if isinstance(error, DamagedError) else f"{file} does not fit this trial ({error})"
            return self._begun(), 0.0, f"trained from the beginning, for {why}"
