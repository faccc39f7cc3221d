"""The Wilcoxon pruner: pairs of replicates at one epoch."""

import optuna
import pytest
from optuna.trial import TrialState

from nemesis_sweep.sweep.pruners.registry import build_pruner
from nemesis_sweep.sweep.study import TaskStudy

NEEDS = ["search.pruner=wilcoxon", "tasks.replicates=5", "search.baselines=[]"]
BEST = [60.0, 64.0, 58.0, 70.0, 66.0]


def mean(values):
    return sum(values) / len(values)


def shifted(by):
    """Another trial's replicates, each worse by about as much, though seeds differ by far more."""
    return [value - by - n / 10 for n, value in enumerate(BEST)]


@pytest.fixture
def study(make_sweep, storage):
    """A study whose one complete trial rose by 10 points an interval, to ``BEST`` at epoch 15."""
    sweep = make_sweep(*NEEDS)
    (task,) = sweep.task_list()
    made = TaskStudy(sweep, task, storage)
    first = made.next()
    for epoch in (5, 10, 15):
        values = [value - (15 - epoch) * 2 for value in BEST]
        assert not made.report(first.number, epoch, mean(values), values)
    made.tell(first.number, TrialState.COMPLETE, mean(BEST), 1.0)
    return made


def test_replicates_that_are_all_worse_are_enough(study):
    trial = study.next()
    worse = shifted(1)
    assert study.report(trial.number, 15, mean(worse), worse)


def test_a_mean_that_is_worse_by_one_bad_seed_is_not(study):
    trial = study.next()
    values = [BEST[0] - 40, *(value + 1 for value in BEST[1:])]
    assert mean(values) < mean(BEST)
    assert not study.report(trial.number, 15, mean(values), values)


def test_a_trial_is_compared_with_the_best_at_the_same_epoch(study):
    """At epoch 5 the best had 20 points less: what is worse than its end is ahead of it here."""
    trial = study.next()
    values = shifted(10)
    assert not study.report(trial.number, 5, mean(values), values)
    assert study.report(trial.number, 15, mean(values), values)


def test_earlier_epochs_are_no_further_evidence(make_sweep, storage):
    """Three replicates that are worse at five epochs in a row are still three pairs."""
    pruner = build_pruner("wilcoxon", {}, epochs=50, eval_every=5)
    made = optuna.create_study(storage=storage, direction="maximize", pruner=pruner)
    from nemesis_sweep.sweep.pruners.wilcoxon import keep_replicates

    for by in (0, 1):
        trial = made.ask()
        for epoch in range(10, 60, 10):
            values = [value - by for value in BEST[:3]]
            keep_replicates(trial, epoch, values)
            trial.report(mean(values), epoch)
            assert not trial.should_prune()
        made.tell(trial, mean(values))


def test_nothing_is_judged_before_the_warm_up_is_over_or_without_a_best(make_sweep, storage, study):
    early = study.next()
    values = shifted(50)
    assert not study.report(early.number, 1, mean(values), values)
    sweep = make_sweep(*NEEDS)
    alone = TaskStudy(sweep, sweep.task_list()[0], optuna.storages.InMemoryStorage())
    assert not alone.report(alone.next().number, 15, mean(values), values)


def test_an_epoch_at_which_the_best_was_not_measured_decides_nothing(study):
    trial = study.next()
    values = shifted(50)
    assert not study.report(trial.number, 12, mean(values), values)


def test_samplers_still_see_means_per_epoch(study):
    trial = study.next()
    values = shifted(50)
    study.report(trial.number, 15, mean(values), values)
    study.tell(trial.number, TrialState.PRUNED, None, 1.0, "hopeless")
    (told,) = [t for n, t in study.trials() if n == trial.number]
    assert told.intermediate_values == {15: mean(values)}
