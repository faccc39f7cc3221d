"""A trial that trains no prompt: measured once, at the end of which it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.spec.baselines import BASELINES
from nemesis_sweep.spec.kinds import given_strengths
from nemesis_sweep.sweep.result import Report, Result
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker.kept_predictions import KeptPredictions
from nemesis_sweep.sweep.worker.session import Record, conclude, means_of, worker
from nemesis_sweep.sweep.worker.worker_cache import Materials
from nemesis_sweep.training.references.fitted import reference_of
from nemesis_sweep.training.references.measured import Measured, measure
from nemesis_sweep.training.references.saved import FILES, save_reference
from nemesis_sweep.training.stopwatch import Stopwatch
from nemesis_sweep.training.training_run import Metrics
from nemesis_sweep.training.transfer import of_means, transfer_metrics

if TYPE_CHECKING:
    from torch import Tensor


class Promptless:
    """A row of ``spec.baselines`` that has a measure of its own, beside a sweep's trials or as one."""

    def __init__(self, spec: TrialSpec, found: Materials, record: Record, say: SayLine, note: str) -> None:
        """say: told how far long evaluations are. note: what the report begins with."""
        self.spec = spec
        self._found, self._record, self._say, self._note = found, record, say, note

    def advance(self) -> Report:
        """Measure everything; the only report."""
        found, name = self._found, self.spec.reference
        given = {} if self.spec.baseline in BASELINES else given_strengths(self.spec.method.model_dump())
        kept = KeptPredictions(self.spec)
        with Stopwatch() as watch:
            measured = measure(name, found.backbone, found.dataset, found.features, given)
            metrics = measured.metrics | self._transferred(measured, kept)
        if measured.predicted is not None:
            kept.own(measured.predicted)
        kept.write()
        result = result_of(self.spec, metrics, watch.seconds)
        if measured.values:
            result = replace(result, reference_checksum=self._keep(measured.values))
        conclude(self.spec.folder, self._record, result)
        return result.report(self._note)

    def _transferred(self, measured: Measured, kept: KeptPredictions) -> Metrics:
        if measured.classifier_of is None:
            return {}
        return transfer_metrics(
            self.spec.task.protocol,
            measured.metrics,
            self._found.targets,
            measured.classifier_of,
            self._say,
            kept.add,
        )

    def _keep(self, values: Mapping[str, Tensor]) -> str:
        """Leave what was learnt in the trial's folder; its checksum."""
        spec, found = self.spec, self._found
        precision = spec.method.precision
        kept = reference_of(spec.reference, found.backbone, found.dataset, spec.seeds, precision, values)
        checksum = save_reference(spec.folder, kept)
        self._record.log_files(spec.folder, FILES.name)
        return checksum


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
