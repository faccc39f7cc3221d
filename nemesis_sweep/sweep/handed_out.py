"""From what a study proposes to what a worker is given."""

from __future__ import annotations

from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.logged import varied
from nemesis_sweep.sweep.proposal import Proposal
from nemesis_sweep.sweep.study import Study
from nemesis_sweep.sweep.trial_spec import JointTrialSpec, TrialSpec


def spec_of(home: Home, study: Study, proposal: Proposal) -> TrialSpec | JointTrialSpec:
    """The trial of a study, with a part for each of its tasks."""
    sweep = study.sweep
    names = varied(sweep)
    parts = [
        TrialSpec(
            home=str(home.path),
            task=task,
            number=proposal.number,
            baseline=proposal.baseline,
            params=proposal.params,
            method=method,
            seeds=proposal.seeds,
            eval_every=sweep.search.eval_every,
            threads=max(1, int(sweep.resources.cpus)),
            varied=names,
            corrupt=sweep.search.corrupt,
        )
        for task, method in zip(study.tasks, proposal.methods, strict=True)
    ]
    return study.trial_spec(parts)
