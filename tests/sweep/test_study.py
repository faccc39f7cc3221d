"""One task's study: order of trials, budget, pruning, and a second driver that finds everything."""

import math

import optuna
import pytest
from optuna.trial import TrialState

from nemesis_sweep.spec.pruners import PRUNERS
from nemesis_sweep.spec.samplers import SAMPLERS


def finish(study, proposal, value=50.0):
    study.tell(proposal.number, TrialState.COMPLETE, value, seconds=1.0)


def drain(study, value=lambda proposal: 50.0):
    """Run the study to its end; the proposals in their order."""
    proposals = []
    while (proposal := study.next()) is not None:
        proposals.append(proposal)
        finish(study, proposal, value(proposal))
    return proposals


def peak(proposal):
    """A response with its maximum at omega = 10."""
    return 90 - 10 * abs(math.log10(proposal.method.omega) - 1) if proposal.method.omega > 0 else 40.0


def test_baselines_come_first_then_the_paper_then_the_sampler(make_sweep, open_study):
    proposals = drain(open_study(make_sweep()))
    assert [p.number for p in proposals] == ["zero_shot", "coop", "0", "1", "2", "3", "4", "5"]
    coop, paper = proposals[1], proposals[2]
    assert (coop.method.omega, coop.method.n_ctx, coop.method.epochs) == (0.0, 16, 20)
    assert paper.baseline == "paper"
    assert paper.params == {"omega": 10.0, "n_ctx": 16}
    assert (paper.method.corruption, paper.method.n_positions) == (0.5, 1)


def test_the_paper_stands_beside_a_space_that_does_not_hold_it(make_sweep, open_study):
    proposals = drain(open_study(make_sweep("space.omega.high=5")))
    assert [p.number for p in proposals][:4] == ["zero_shot", "coop", "paper", "0"]
    assert proposals[2].method.omega == 10.0
    assert all(p.method.omega <= 5 for p in proposals[3:])


def test_points_of_the_user_are_tried_first(make_sweep, open_study):
    sweep = make_sweep("search.baselines=[]", "search.points=[{omega: 3, n_ctx: 8}, {omega: 7}]")
    proposals = drain(open_study(sweep))
    assert proposals[0].params == {"omega": 3, "n_ctx": 8}
    assert proposals[1].params["omega"] == 7


def test_points_are_all_tried_though_the_driver_died_between_two_of_them(make_sweep, open_study, monkeypatch):
    sweep = make_sweep("search.points=[{omega: 3, n_ctx: 8}, {omega: 7, n_ctx: 4}, {omega: 9, n_ctx: 4}]")
    enqueue, given = optuna.Study.enqueue_trial, []

    def die_at_the_third(study, point, **more):
        if len(given) == 2:
            raise KeyboardInterrupt
        given.append(point)
        enqueue(study, point, **more)

    with monkeypatch.context() as patch:
        patch.setattr(optuna.Study, "enqueue_trial", die_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            open_study(sweep)
    proposals = [proposal for proposal in drain(open_study(sweep)) if proposal.number.isdigit()]
    assert [proposal.baseline for proposal in proposals[:4]] == ["paper", "", "", ""]
    assert [proposal.params["omega"] for proposal in proposals[:4]] == [10, 3, 7, 9]
    assert not open_study(sweep).has_more()


def test_the_budget_is_kept_and_can_grow(make_sweep, open_study):
    study = open_study(make_sweep())
    drain(study)
    assert not study.has_more()
    more = open_study(make_sweep("budget.trials=8"))
    assert more.has_more()
    assert [p.number for p in drain(more)] == ["6", "7"]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_is_the_same_with_and_without_a_restart(make_sweep, sampler):
    """The contract of a sampler: within the space, seeded, and independent of when the driver died."""
    from nemesis_sweep.sweep.study import TaskStudy

    finite = ["space.omega={low: 1, high: 100, step: 1}"] if SAMPLERS[sampler].finite else []
    sweep = make_sweep(f"search.sampler={sampler}", "budget.trials=14", *finite)
    (task,) = sweep.task_list()

    def run(restarts: bool):
        storage = optuna.storages.InMemoryStorage()
        study = TaskStudy(sweep, task, storage)
        tried = []
        while True:
            proposal = study.next()
            if proposal is None:
                return tried
            if restarts:  # the driver dies while every single trial runs
                study = TaskStudy(sweep, task, storage)
                again = study.next()
                assert again == proposal
            finish(study, proposal, peak(proposal))
            tried.append((proposal.number, dict(proposal.params)))

    whole = run(restarts=False)
    assert whole == run(restarts=True)
    searched = [params for _, params in whole if params]
    assert len(searched) == 14
    assert all(0.1 <= params["omega"] <= 100 and params["n_ctx"] in (4, 8, 16) for params in searched)
    assert len({params["omega"] for params in searched}) > 7


def test_another_seed_proposes_something_else(make_sweep, open_study, storage):
    first = drain(open_study(make_sweep("search.baselines=[]")))
    (task,) = make_sweep().task_list()
    from nemesis_sweep.sweep.study import TaskStudy

    other = TaskStudy(
        make_sweep("search.baselines=[]", "search.seed=1"), task, optuna.storages.InMemoryStorage()
    )
    assert [p.params for p in drain(other)] != [p.params for p in first]


PRUNER_NEEDS = {"wilcoxon": ["tasks.replicates=4"], "patient": ["search.pruner_options={patience: 1}"]}


@pytest.mark.parametrize("pruner", PRUNERS)
def test_every_pruner_spares_the_best_and_never_a_baseline(make_sweep, open_study, pruner):
    """Trials get worse and worse; a pruner other than `none` stops some, `none` stops none."""
    needs = PRUNER_NEEDS.get(pruner, [])
    study = open_study(make_sweep(f"search.pruner={pruner}", "budget.trials=20", *needs))
    pruned, quality = [], 90.0
    while (proposal := study.next()) is not None:
        quality -= 3.0
        for epoch in (5, 10, 15):
            value = quality - epoch / 10
            if study.report(proposal.number, epoch, value, [value + 3, value + 1, value, value - 4]):
                study.tell(proposal.number, TrialState.PRUNED, None, 1.0, "hopeless")
                pruned.append(proposal)
                break
        else:
            finish(study, proposal, quality)
    assert not any(p.baseline for p in pruned)
    assert bool(pruned) == (pruner != "none")
    told = dict(study.trials())
    for proposal in pruned:
        assert told[proposal.number].state == TrialState.PRUNED
        assert told[proposal.number].intermediate_values
        assert told[proposal.number].user_attrs["reason"] == "hopeless"


def test_the_pruner_goes_by_the_epochs_of_the_space_not_of_longer_baselines(make_sweep, open_study):
    short = make_sweep("method={beta: 0}", "space.epochs={choices: [5, 10]}", "search.eval_every=1")
    pruner = open_study(short).study.pruner
    assert pruner._max_resource == 10 and pruner._min_resource == 2


def test_a_verdict_that_was_not_told_is_told_by_the_next_driver(make_sweep, open_study):
    sweep = make_sweep("search.pruner=median", "search.baselines=[]", "budget.trials=8")
    study = open_study(sweep)
    for _ in range(6):
        proposal = study.next()
        study.report(proposal.number, 5, 80.0)
        finish(study, proposal, 80.0)
    hopeless = study.next()
    assert study.report(hopeless.number, 5, 10.0)
    restarted = open_study(sweep)
    assert dict(restarted.trials())[hopeless.number].state == TrialState.PRUNED
    assert restarted.next().number == "7"


def test_a_repeated_report_is_taken_once(make_sweep, open_study):
    sweep = make_sweep("search.pruner=none")
    study = open_study(sweep)
    proposal = study.next()
    study.report(proposal.number, 5, 10.0)
    study.report(proposal.number, 5, 99.0)
    assert dict(study.trials())[proposal.number].intermediate_values == {5: 10.0}


def test_conditional_dimensions_exist_only_where_their_choice_is_taken(make_sweep, open_study):
    text = """
name: made
tasks: {dataset: digits, shots: 4, replicates: 2}
space:
  omega: {low: 0.1, high: 100, log: true}
  beta:
    choices:
      0: {corruption: {low: 0, high: 0.9}, n_positions: {low: 1, high: 4}}
      1: {}
budget: {trials: 20}
"""
    proposals = [p for p in drain(open_study(make_sweep(text=text)), peak) if p.params]
    betas = {p.params["beta"] for p in proposals}
    assert betas == {0, 1}
    for proposal in proposals:
        assert ("corruption" in proposal.params) == (proposal.params["beta"] == 0)
        assert ("n_positions" in proposal.params) == (proposal.params["beta"] == 0)


def test_references_that_are_asked_for_stand_beside_the_space(make_sweep, open_study):
    names = ["linear_probe", "zero_shot_ensemble", "coop"]
    proposals = drain(open_study(make_sweep(f"search.baselines=[{', '.join(names)}]", "method.views=16")))
    beside = {p.number: p for p in proposals if p.number == p.baseline}
    assert list(beside) == ["zero_shot_ensemble", "linear_probe", "coop"]
    assert beside["linear_probe"].method.views == 1
    assert beside["coop"].method.views == 16
