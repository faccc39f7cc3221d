"""A trial that trains no prompt: measured once, at the end of which it is over."""

from __future__ import annotations

from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.sweep.result import Report, Result
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker.session import Record, conclude, means_of, worker
from nemesis_sweep.sweep.worker.worker_cache import Materials
from nemesis_sweep.training.references import measure_of
from nemesis_sweep.training.stopwatch import Stopwatch
from nemesis_sweep.training.training_run import Metrics
from nemesis_sweep.training.transfer import of_means, transfer_metrics


class Promptless:
    """A row of ``spec.baselines`` that has a measure of its own."""

    def __init__(self, spec: TrialSpec, found: Materials, record: Record, say: SayLine, note: str) -> None:
        """say: told how far long evaluations are. note: what the report begins with."""
        self.spec = spec
        self._found, self._record, self._say, self._note = found, record, say, note

    def advance(self) -> Report:
        """Measure everything; the only report."""
        with Stopwatch() as watch:
            metrics = self._measured()
        result = result_of(self.spec, metrics, watch.seconds)
        conclude(self.spec.folder, self._record, result)
        return result.report(self._note)

    def _measured(self) -> Metrics:
        found = self._found
        measured = measure_of(self.spec.baseline)(found.backbone, found.dataset, found.features)
        if measured.classifier_of is None:
            return measured.metrics
        transfer = transfer_metrics(
            self.spec.task.protocol, measured.metrics, found.targets, measured.classifier_of, self._say
        )
        return measured.metrics | transfer


def result_of(spec: TrialSpec, metrics: Metrics, seconds: float) -> Result:
    """The result of a trial of one task that has measured all metrics; of training there is nothing in it."""
    means = means_of(metrics)
    return Result(
        study=spec.study,
        task=spec.task.key,
        number=spec.number,
        baseline=spec.baseline,
        params=dict(spec.params),
        config=spec.method.model_dump(),
        seeds=list(spec.seeds),
        epochs=0,
        metrics={**means, **of_means(means)},
        replicates=metrics,
        failed_seeds=[],
        seconds=seconds,
        worker=worker(),
    )
