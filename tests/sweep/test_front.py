"""The Pareto front against its definition, and studies of several objectives."""

import itertools

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from nemesis_sweep.spec.samplers import SAMPLERS, able
from nemesis_sweep.sweep.best import LOSS, best_trial, best_trials, candidate, front
from nemesis_sweep.sweep.objective_values import judge
from nemesis_sweep.sweep.samplers.registry import build_sampler
from nemesis_sweep.sweep.study import TaskStudy

SEVERAL = [
    "search.objective=[val/accuracy, norm/mean]",
    "search.baselines=[zero_shot, coop, paper]",
    "budget.trials=12",
]


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), max_size=20))
def test_the_front_is_what_nothing_beats(values):
    directions = ["maximize", "minimize", "minimize"]
    made = [candidate(str(n), value, directions, None, "") for n, value in enumerate(values)]
    unbeaten_ones = [int(each.number) for each in front(made)]

    def beats(a, b):
        return a != b and a[0] >= b[0] and a[1] <= b[1] and a[2] <= b[2]

    unbeaten = [n for n, value in enumerate(values) if not any(beats(other, value) for other in values)]
    assert sorted(unbeaten_ones) == unbeaten
    assert all(values[a][0] >= values[b][0] for a, b in itertools.pairwise(unbeaten_ones))


def drain(sweep, storage, restarts=False):
    (task,) = sweep.task_list()
    study = TaskStudy(sweep, task, storage)
    tried = []
    while (proposal := study.next()) is not None:
        if restarts:
            study = TaskStudy(sweep, task, storage)
            assert study.next() == proposal
        assert not study.report(proposal.number, 5, 50.0)
        measured = {"val/accuracy": 50 + proposal.method.omega}
        if proposal.baseline != "zero_shot":
            measured["norm/mean"] = proposal.method.omega * proposal.method.n_ctx
        judged = judge(sweep.search, [proposal.method.model_dump()], measured, proposal.baseline)
        assert judged.finite
        study.tell(proposal.number, TrialState.COMPLETE, judged.values, 1.0)
        tried.append((proposal.number, dict(proposal.params)))
    return study, tried


@pytest.mark.parametrize("sampler", able("several_objectives"))
def test_every_other_sampler_takes_several_objectives(make_sweep, sampler):
    finite = ["space.omega={low: 1, high: 100, step: 1}"] if SAMPLERS[sampler].finite else []
    sweep = make_sweep(*SEVERAL, f"search.sampler={sampler}", *finite)
    study, tried = drain(sweep, optuna.storages.InMemoryStorage())
    assert len(tried) == 2 + 12
    found = best_trials(study.trials(), sweep.search.directions)
    # Accuracy rises with omega, the norm with omega and length: better by one is worse by the other.
    values = [trial.values for _, trial in found]
    assert len(found) > 2 and found[-1][0] == "coop"
    assert all(a[0] > b[0] and a[1] > b[1] for a, b in itertools.pairwise(values))
    assert "zero_shot" not in dict(found)
    assert drain(sweep, optuna.storages.InMemoryStorage(), restarts=True)[1] == tried


@pytest.mark.parametrize("sampler", SAMPLERS.keys() - set(able("several_objectives")))
def test_the_samplers_that_are_refused_could_not(sampler):
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=build_sampler(sampler, {}, 0))
    with pytest.raises(ValueError, match="multi-objective"):
        for _ in range(3):
            trial = study.ask()
            values = [trial.suggest_float(name, 0, 1) for name in ("x", "y")]
            study.tell(trial, values)


def test_nothing_is_pruned_and_the_default_says_so(make_sweep):
    assert make_sweep(*SEVERAL).search.pruner == "none"
    assert make_sweep().search.pruner == "hyperband"


def test_what_breaks_a_constraint_is_not_on_the_front(make_sweep, storage):
    sweep = make_sweep(*SEVERAL, "search.constraints=norm/mean <= 20", "search.baselines=[]")
    (task,) = sweep.task_list()
    study = TaskStudy(sweep, task, storage)
    while (proposal := study.next()) is not None:
        measured = {"val/accuracy": proposal.method.omega, "norm/mean": proposal.method.omega}
        judged = judge(sweep.search, [proposal.method.model_dump()], measured, proposal.baseline)
        study.tell(proposal.number, TrialState.COMPLETE, judged.values, 1.0, "", judged.excess)
    found = best_trials(study.trials(), sweep.search.directions)
    kept = [trial for trial in study.study.trials if trial.params["omega"] <= 20]
    assert 0 < len(kept) < 12
    assert {number for number, _ in found} == {str(trial.number) for trial in kept}


def test_between_equals_the_lower_validation_loss_decides(make_sweep, open_study):
    study = open_study(make_sweep("search.baselines=[]", "budget.trials=3"))
    for loss in (0.7, 0.5, 0.9):
        proposal = study.next()
        study.note(proposal.number, LOSS, loss)
        study.tell(proposal.number, TrialState.COMPLETE, 1.0, 1.0)
    found = best_trial(study.trials(), ["maximize"])
    assert found is not None and found[0] == "1"
