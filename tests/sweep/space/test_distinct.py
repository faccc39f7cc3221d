"""Trials that run at the same time are never the same, in a study of one task as in a joint one."""

import pytest
from optuna.trial import TrialState

from nemesis_sweep.spec.draw import size
from nemesis_sweep.sweep.joint import JointStudy
from nemesis_sweep.sweep.proposal import TWIN
from nemesis_sweep.sweep.samplers.registry import SAMPLER_NAMES
from nemesis_sweep.sweep.space.distinct import another_point
from nemesis_sweep.sweep.study import TaskStudy

SMALL = """
name: made
tasks: {dataset: [digits, emoji], shots: 4, replicates: 2}
method: {epochs: 20}
space:
  n_ctx: {choices: [4, 8, 16]}
  norm: {choices: [1, 2]}
  omega: {low: 1, high: 2, step: 1}
search: {eval_every: 5, baselines: []}
budget: {trials: 24}
"""


def study_of(kind, sweep, storage):
    return JointStudy(sweep, storage) if kind == "joint" else TaskStudy(sweep, sweep.task_list()[0], storage)


def overlapping(study, workers, reopen=lambda study: study):
    """Keep `workers` trials running until nothing is left; what was handed out, and what ran beside each."""
    out, handed, beside = [], [], []
    while True:
        while len(out) < workers and (proposal := study.next()) is not None:
            beside.append([dict(other.params) for other in out])
            out.append(proposal)
            handed.append(proposal)
        if not out:
            return handed, beside
        oldest = out.pop(0)
        study.tell(oldest.number, TrialState.COMPLETE, 50.0 + oldest.method.n_ctx, 1.0)
        study = reopen(study)


@pytest.mark.parametrize("kind", ["per_task", "joint"])
@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_no_proposal_is_given_twice_at_a_time(make_sweep, storage, sampler, kind):
    """Eight workers in a space of twelve points: a draw at random would meet itself all the time."""
    sweep = make_sweep(f"search.sampler={sampler}", text=SMALL)
    handed, beside = overlapping(study_of(kind, sweep, storage), workers=8)
    assert len(handed) == (12 if sampler == "grid" else 24)
    assert max(map(len, beside)) == 7
    for proposal, others in zip(handed, beside, strict=True):
        assert dict(proposal.params) not in others


def test_twins_would_come_without_the_check(make_sweep, storage, monkeypatch):
    monkeypatch.setattr("nemesis_sweep.sweep.proposer.twin", lambda study, trial: None)
    handed, beside = overlapping(study_of("joint", make_sweep(text=SMALL), storage), workers=8)
    assert any(dict(proposal.params) in others for proposal, others in zip(handed, beside, strict=True))


def test_a_continuous_space_has_no_twins(make_sweep, storage):
    sweep = make_sweep("search.baselines=[]", "budget.trials=30")
    handed, _ = overlapping(study_of("joint", sweep, storage), workers=8)
    assert len({tuple(sorted(proposal.params.items())) for proposal in handed}) == 30


def test_more_workers_than_points_wait(make_sweep, storage):
    sweep = make_sweep("space.omega=null", "space.norm=null", "budget.trials=7", text=SMALL)
    study = study_of("joint", sweep, storage)
    first = [study.next() for _ in range(3)]
    assert study.next() is None
    assert study.has_more()
    study.tell(first[0].number, TrialState.COMPLETE, 50.0, 1.0)
    again = study.next()
    assert again.params == first[0].params
    for proposal in (again, *first[1:]):
        study.tell(proposal.number, TrialState.COMPLETE, 50.0, 1.0)
    assert len(overlapping(study, workers=8)[0]) == 3
    assert not study.has_more()


def test_twins_are_not_counted_and_never_shown(make_sweep, storage):
    study = study_of("joint", make_sweep(text=SMALL), storage)
    overlapping(study, workers=8)
    dropped = [trial for trial in study.study.trials if TWIN in trial.user_attrs]
    assert dropped
    assert {trial.state for trial in dropped} == {TrialState.FAIL}
    assert study.counts() == {"complete": 24, "pruned": 0, "fail": 0, "running": 0}
    assert len(study.trials()) == study.proposer.asked == 24


def test_a_driver_that_dies_between_drawing_and_checking_leaves_no_twins(make_sweep, storage, monkeypatch):
    sweep = make_sweep(text=SMALL)
    with monkeypatch.context() as unchecked:
        unchecked.setattr("nemesis_sweep.sweep.proposer.twin", lambda study, trial: None)
        study = study_of("joint", sweep, storage)
        handed = [study.next() for _ in range(12)]
    assert len({tuple(sorted(proposal.params.items())) for proposal in handed}) < 12
    restarted = study_of("joint", sweep, storage)
    again = [restarted.next() for _ in range(12)]
    assert len({tuple(sorted(proposal.params.items())) for proposal in again}) == 12
    assert restarted.next() is None


def test_points_of_a_space(make_sweep):
    assert size(make_sweep(text=SMALL).space) == 12
    assert size(make_sweep().space) is None
    nested = """
name: made
tasks: {dataset: digits}
space:
  omega: {low: 1, high: 2, step: 0.1}
  beta:
    choices:
      0: {n_positions: {low: 1, high: 7, step: 2}, corruption: {choices: [0.1, 0.5]}}
      1: {}
"""
    assert size(make_sweep(text=nested).space) == 11 * (4 * 2 + 1)


def test_the_last_free_point_is_found(make_sweep):
    space = make_sweep("space.omega=null", "method.omega=1", text=SMALL).space
    every = [{"n_ctx": n_ctx, "norm": norm} for n_ctx in (4, 8, 16) for norm in ("1", "2")]
    for free in every:
        assert another_point(space, [point for point in every if point != free], seed=0) == free
