"""Constraints in a study: over parameters before a trial, over metrics after it."""

import optuna
import pytest
from optuna.trial import TrialState

from nemesis_sweep.spec.samplers import SAMPLERS
from nemesis_sweep.sweep.best import best_trials
from nemesis_sweep.sweep.objective_values import judge
from nemesis_sweep.sweep.study import TaskStudy

LIMIT = "search.constraints=[omega * n_ctx <= 16, norm/mean <= 3]"
FINITE = "space.omega={low: 1, high: 100, step: 1}"


def overrides(sampler):
    """`cmaes` learns nothing from metrics and refuses them; a grid needs steps."""
    limit = "search.constraints=omega * n_ctx <= 16" if sampler == "cmaes" else LIMIT
    return [
        f"search.sampler={sampler}",
        "budget.trials=12",
        limit,
        *([FINITE] if SAMPLERS[sampler].finite else []),
    ]


def run(sweep, storage, restarts=False):
    """The study to its end, with norms that fall as omega rises; what was tried."""
    (task,) = sweep.task_list()
    study = TaskStudy(sweep, task, storage)
    tried = []
    while (proposal := study.next()) is not None:
        if restarts:
            study = TaskStudy(sweep, task, storage)
            assert study.next() == proposal
        measured = {"val/accuracy": 50 + proposal.method.n_ctx, "norm/mean": 4 - proposal.method.omega}
        judged = judge(sweep.search, [proposal.method.model_dump()], measured, proposal.baseline)
        study.tell(proposal.number, TrialState.COMPLETE, judged.values, 1.0, "", judged.excess)
        tried.append(proposal)
    return study, tried


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_breaks_a_constraint_over_parameters_is_never_a_trial(make_sweep, sampler):
    sweep = make_sweep(*overrides(sampler))
    study, tried = run(sweep, optuna.storages.InMemoryStorage())
    inside = [proposal for proposal in tried if proposal.params]
    assert all(p.method.omega * p.method.n_ctx <= 16 for p in inside)
    size = 4 + 2 + 1  # of the grid: omega 1 to 4 with n_ctx 4, 1 and 2 with 8, 1 with 16
    assert len(inside) == (size if sampler == "grid" else 12)
    assert [trial.state for trial in study.study.trials] == [TrialState.COMPLETE] * len(inside)
    # Omega 10 with 16 vectors breaks it: the paper's setting is a row beside the space.
    assert [p.number for p in tried if p.baseline][:3] == ["zero_shot", "coop", "paper"]
    _, again = run(sweep, optuna.storages.InMemoryStorage(), restarts=True)
    assert again == tried


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "cmaes"])
def test_what_breaks_a_constraint_over_metrics_is_told_and_never_the_best(make_sweep, sampler):
    study, _ = run(make_sweep(*overrides(sampler)), optuna.storages.InMemoryStorage())
    trials = dict(study.trials())
    for number, trial in trials.items():
        if number.isdigit():
            assert trial.constraints["norm/mean <= 3"] == pytest.approx(1 - trial.params["omega"])
    ((number, best),) = best_trials(study.trials(), ["maximize"])[:1]
    assert best.constraints["norm/mean <= 3"] <= 0
    kept = [
        t.value for n, t in trials.items() if n != "zero_shot" and all(x <= 0 for x in t.constraints.values())
    ]
    assert best.value == max(kept)
    # Plain CoOp has omega 0 and so a norm of 4.
    assert trials["coop"].value == 66 and trials["coop"].constraints["norm/mean <= 3"] == 1
    assert trials["zero_shot"].constraints == {}


def test_a_point_that_is_given_in_part_is_completed_within_the_constraints(make_sweep):
    sweep = make_sweep(LIMIT, "search.points=[{n_ctx: 16}, {omega: 3}]", "search.baselines=[]")
    _, tried = run(sweep, optuna.storages.InMemoryStorage())
    assert tried[0].params["n_ctx"] == 16 and tried[0].params["omega"] <= 1
    assert tried[1].params == {"omega": 3, "n_ctx": 4}


def test_a_point_that_cannot_be_completed_fails_and_the_study_goes_on(make_sweep):
    limit = "search.constraints=[omega * n_ctx <= 16]"
    sweep = make_sweep(limit, "search.points=[{omega: 5}]", "search.baselines=[]", "budget.trials=3")
    study, tried = run(sweep, optuna.storages.InMemoryStorage())
    assert [p.number for p in tried] == ["1", "2"]
    refused = study.study.trials[0]
    assert refused.state == TrialState.FAIL
    assert refused.user_attrs["reason"] == "no proposal kept omega * n_ctx <= 16"


def test_trials_at_once_keep_the_constraints_too(make_sweep):
    """In a small space the points that are drawn in the place of twins keep them as well."""
    small = ["space.omega={low: 1, high: 4, step: 1}", "budget.trials=20", "search.baselines=[]"]
    sweep = make_sweep("search.constraints=omega * n_ctx <= 16", *small)
    (task,) = sweep.task_list()
    study = TaskStudy(sweep, task, optuna.storages.InMemoryStorage())
    running = [study.next() for _ in range(8)]
    # Of the twelve points seven keep it; the eighth worker waits.
    assert running[7] is None
    points = [tuple(p.params.values()) for p in running[:7]]
    assert len(set(points)) == 7 and all(omega * n_ctx <= 16 for omega, n_ctx in points)


def test_a_rare_corner_of_the_space_is_found(make_sweep):
    """One point in some hundred keeps it: more than the sampler itself is asked for."""
    sweep = make_sweep("search.constraints=[omega < 0.105]", "search.baselines=[]", "search.sampler=random")
    _, tried = run(sweep, optuna.storages.InMemoryStorage())
    assert len(tried) == 6 and all(0.1 <= p.params["omega"] < 0.105 for p in tried)
    assert len({p.params["omega"] for p in tried}) == 6


def test_tpe_learns_from_constraints_over_metrics(make_sweep):
    """Most trials late in a study keep a constraint that few random ones do."""
    sweep = make_sweep(
        "search.constraints=[norm/mean <= -26]",
        "search.baselines=[]",
        "budget.trials=40",
        "space.omega.high=100",
    )
    study, _ = run(sweep, optuna.storages.InMemoryStorage())
    kept = [all(x <= 0 for x in trial.constraints.values()) for trial in study.study.trials]
    assert sum(kept[:10]) <= 4 < 10 <= sum(kept[20:])
