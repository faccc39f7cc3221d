"""Opening the trial of one task: with its result, where there is one, else with all that it works with."""

from __future__ import annotations

from pathlib import Path

from nemesis_sweep.sweep.logged import applying, params_and_tags
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.trial_words import running_name
from nemesis_sweep.sweep.worker.encoding_log import encoding_report
from nemesis_sweep.sweep.worker.learning import Learning
from nemesis_sweep.sweep.worker.promptless import Promptless
from nemesis_sweep.sweep.worker.result import take_result
from nemesis_sweep.sweep.worker.session import Finished, Record
from nemesis_sweep.sweep.worker.worker_cache import materials
from nemesis_sweep.tracking.trial_run import TrialRun


def open_trial(spec: TrialSpec, record: Record | None = None) -> Finished | Promptless | Learning:
    """The session of a trial of one task. record: where it is recorded; by default in a run of its own."""
    spec.folder.mkdir(parents=True, exist_ok=True)
    result, note = take_result(spec.folder, spec.owner)
    if result is not None:
        return Finished(result)
    # Long work tells of itself, so that the driver knows that it is going on.
    say = encoding_report(Path(spec.home), spec.task.key)
    found = materials(spec.task, spec.seeds, spec.method, say, spec.home, searched=spec.params)
    at_work = Promptless if spec.reference else Learning
    return at_work(spec, found, record or _own_run(spec), say, note)


def _own_run(spec: TrialSpec) -> TrialRun:
    values = {**applying(spec.baseline, spec.method.model_dump()), "seeds": list(spec.seeds)}
    params, tags = params_and_tags([spec.task], spec.baseline, spec.params, values, spec.varied)
    name = running_name(spec.study, spec.number, spec.baseline, spec.params)
    return TrialRun.open(spec.folder, params, tags, name)
