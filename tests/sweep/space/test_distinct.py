"""No point is trained twice, in a study of one task as in a joint one."""

import optuna
import pytest
from optuna.trial import TrialState

from nemesis_sweep.spec.draw import size
from nemesis_sweep.spec.samplers import SAMPLERS
from nemesis_sweep.sweep.joint import JointStudy
from nemesis_sweep.sweep.proposal import TWIN
from nemesis_sweep.sweep.proposer import Proposer
from nemesis_sweep.sweep.samplers.registry import build_sampler
from nemesis_sweep.sweep.samplers.trial_sampler import TrialSampler
from nemesis_sweep.sweep.space.distinct import another_point
from nemesis_sweep.sweep.space.point_key import point_key
from nemesis_sweep.sweep.space.proposals import suggest
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


def keys(proposals):
    return [point_key(proposal.params) for proposal in proposals]


@pytest.mark.parametrize("kind", ["per_task", "joint"])
@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_point_of_a_small_space_is_tried_once(make_sweep, storage, sampler, workers, kind):
    """A budget of 24 in a space of twelve points: a sampler alone would meet its own points all the time."""
    sweep = make_sweep(f"search.sampler={sampler}", text=SMALL)
    study = study_of(kind, sweep, storage)
    assert study.total == 12
    handed, _ = overlapping(study, workers)
    assert len(set(keys(handed))) == len(handed) == 12
    assert study.proposer.space_is_done and not study.has_more()
    # None was proposed to be thrown away: numbers have no gaps.
    assert [proposal.number for proposal in handed] == [str(number) for number in range(12)]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_restart_changes_nothing(make_sweep, sampler):
    sweep = make_sweep(f"search.sampler={sampler}", text=SMALL)
    storages = [optuna.storages.InMemoryStorage() for _ in range(2)]
    whole, _ = overlapping(study_of("per_task", sweep, storages[0]), 1)
    anew = lambda study: study_of("per_task", sweep, storages[1])  # noqa: E731
    parts, _ = overlapping(anew(None), 1, anew)
    assert whole == parts


def test_points_would_come_again_without_the_check(make_sweep, storage, monkeypatch):
    monkeypatch.setattr(Proposer, "_note", lambda self, trial: None)
    handed, _ = overlapping(study_of("joint", make_sweep(text=SMALL), storage), workers=8)
    assert len(set(keys(handed))) < len(handed) == 24


def test_a_continuous_space_has_no_twins(make_sweep, storage):
    sweep = make_sweep("search.baselines=[]", "budget.trials=30")
    handed, _ = overlapping(study_of("joint", sweep, storage), workers=8)
    assert len({tuple(sorted(proposal.params.items())) for proposal in handed}) == 30


def test_more_workers_than_points_have_nothing_to_do(make_sweep, storage):
    sweep = make_sweep("space.omega=null", "space.norm=null", "budget.trials=7", text=SMALL)
    study = study_of("joint", sweep, storage)
    first = [study.next() for _ in range(3)]
    assert study.next() is None
    study.tell(first[0].number, TrialState.COMPLETE, 50.0, 1.0)
    study.tell(first[1].number, TrialState.PRUNED, None, 1.0)
    # What failed would fail again.
    study.tell(first[2].number, TrialState.FAIL, None, 1.0)
    assert study.next() is None
    assert not study.has_more()
    assert study_of("joint", sweep, storage).next() is None


def test_one_point_is_one_trial(make_sweep, storage):
    sweep = make_sweep(
        "space.omega={low: 2, high: 2}", "space.norm=null", "space.n_ctx={choices: [8]}", text=SMALL
    )
    handed, _ = overlapping(study_of("per_task", sweep, storage), workers=2)
    assert [dict(proposal.params) for proposal in handed] == [{"omega": 2.0, "n_ctx": 8}]


def test_a_sampler_that_repeats_itself_gets_other_points(make_sweep, storage, monkeypatch):
    """In a space without end, as a Gaussian process may."""
    monkeypatch.setattr(TrialSampler, "of", lambda self, number: build_sampler("random", {}, 0))
    sweep = make_sweep("search.sampler=random", "search.baselines=[]", "budget.trials=5")
    study = study_of("joint", sweep, storage)
    handed, _ = overlapping(study, workers=1)
    assert len(set(keys(handed))) == len(handed) == 5
    dropped = [trial for trial in study.study.trials if TWIN in trial.user_attrs]
    assert dropped
    assert {trial.state for trial in dropped} == {TrialState.FAIL}
    assert study.counts() == {"complete": 5, "pruned": 0, "fail": 0, "running": 0}
    assert len(study.trials()) == study.proposer.asked == 5


def test_a_point_of_the_users_that_was_tried_is_left_out(make_sweep, storage):
    first, _ = overlapping(study_of("joint", make_sweep("budget.trials=3", text=SMALL), storage), workers=1)
    point = dict(first[1].params)
    sweep = make_sweep("budget.trials=5", text=SMALL)
    sweep = sweep.model_copy(update={"search": sweep.search.model_copy(update={"points": [point]})})
    study = study_of("joint", sweep, storage)
    more, _ = overlapping(study, workers=1)
    assert len(set(keys([*first, *more]))) == len(first) + len(more) == 5


def test_a_driver_that_dies_between_drawing_and_checking_leaves_no_twins(make_sweep, storage):
    sweep = make_sweep(text=SMALL)
    study = study_of("joint", sweep, storage)
    for n_ctx in (4, 4, 8):
        study.study.enqueue_trial({"n_ctx": n_ctx, "norm": "1", "omega": 1.0})
        suggest(study.study.ask(), sweep.space)
    handed, _ = overlapping(study_of("joint", sweep, storage), workers=3)
    assert [proposal.number for proposal in handed[:2]] == ["0", "2"]
    assert len(set(keys(handed))) == len(handed) == 12


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
        assert another_point(space, lambda point, free=free: point == free, seed=0) == free
    assert another_point(space, lambda point: point not in every, seed=0) is None


def test_rounding_makes_no_other_point():
    assert point_key({"omega": 0.1 + 0.2}) == point_key({"omega": 0.3})
    assert len({point_key({"beta": value}) for value in (1, 1.0, True, "1")}) == 3
    assert point_key({"omega": 0.3}) != point_key({"omega": 0.3000001})


ALIKE = """
name: made
tasks: {dataset: [digits, emoji], shots: 4, replicates: 2}
method: {epochs: 20, n_ctx: 4}
space:
  prompt: {choices: {coop: {}, taskres: {residual_alpha: {choices: [0.5, 2.0]}}, tip_adapter: {}}}
  omega: {choices: [0, 1]}
  beta: {choices: {1: {}, 0: {corruption: {choices: [0.1, 0.5]}}}}
search: {eval_every: 5, baselines: []}
budget: {trials: 30}
"""
"""CoOp alone, with PUN and twice with PAN, TaskRes twice, and Tip-Adapter: of 24 points 7 differ."""


def trained(proposal):
    """What a trial trains, by hand."""
    method = proposal.method
    if method.prompt == "taskres":
        return method.prompt, method.residual_alpha
    if method.prompt == "tip_adapter" or method.omega == 0:
        return (method.prompt,)
    return (method.prompt, method.omega, method.beta, *([method.corruption] if method.beta < 1 else []))


@pytest.mark.parametrize("kind", ["per_task", "joint"])
@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_points_that_train_the_same_are_one(make_sweep, storage, sampler, workers, kind):
    sweep = make_sweep(f"search.sampler={sampler}", text=ALIKE)
    study = study_of(kind, sweep, storage)
    assert size(sweep.space) == 24 and study.total == 7
    again = (lambda study: study_of(kind, sweep, storage)) if workers == 1 else (lambda study: study)
    handed, _ = overlapping(study, workers, again)
    assert len(handed) == len(set(map(trained, handed))) == 7


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc"])
def test_of_an_endless_space_what_trains_the_same_is_tried_once(make_sweep, storage, sampler):
    more = ["space.omega={low: 0.5, high: 2}", f"search.sampler={sampler}"]
    study = study_of("per_task", make_sweep(*more, text=ALIKE), storage)
    handed, _ = overlapping(study, 1)
    assert len(handed) == len(set(map(trained, handed))) == 30
    assert {proposal.method.prompt for proposal in handed} == {"coop", "taskres", "tip_adapter"}


def test_what_an_earlier_version_trained_twice_is_read_on(make_sweep, storage):
    """Its studies have trials that differ in what changes nothing: of the budget, and no twins."""
    sweep = make_sweep("search.sampler=random", text=ALIKE)
    for omega in (0, 1):
        params = {"prompt": "tip_adapter", "omega": omega, "beta": 1}
        study = study_of("per_task", sweep, storage).study
        study.enqueue_trial(params)
        trial = study.ask()
        suggest(trial, sweep.space)
        study.tell(trial, 50.0)
    again = study_of("per_task", sweep, storage)
    assert again.counts()["complete"] == 2
    handed, _ = overlapping(again, 1)
    assert len(handed) == len(set(map(trained, handed))) == 6
    assert ("tip_adapter",) not in set(map(trained, handed))
