"""The prompt that a trial learnt, corrupted position by position and tested, beside its result."""

from __future__ import annotations

from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.sweep.corruption_file import Corruptions, frequencies, write_corruption
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker.session import Record
from nemesis_sweep.training.corruption import corrupt
from nemesis_sweep.training.training_run import TrainingRun


def keep_corruption(spec: TrialSpec, fit: TrainingRun, record: Record, say: SayLine) -> list[str]:
    """Corrupt what a trial has learnt where the sweep asks for it, leave the file in the trial's folder, and
    return its name.

    Nothing of it is among the metrics of the result: no trial is chosen by it. Raises ``UserError`` as
    ``corrupt`` does.
    """
    asked = spec.corrupt
    if asked is None:
        return []
    learner, features = fit.trainer.learner, fit.features
    found: Corruptions = {
        split: [
            corrupt(
                learner,
                spec.seeds,
                getattr(features, split),
                getattr(features, f"{split}_labels"),
                operation,
                strengths,
                asked.positions,
                say,
            )
            for operation, strengths in asked.operations.items()
        ]
        for split in asked.on
    }
    record.log_epoch(fit.epoch, frequencies(found), wait=True)
    return [write_corruption(spec.folder, found).name]
