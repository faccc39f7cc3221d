"""Hours and failures of a budget; with real studies and earlier runs in test_broker.py."""

from optuna.trial import TrialState

from nemesis_sweep.spec.budget import Budget
from nemesis_sweep.sweep.spent import Spent


def test_hours_are_those_of_trials_that_are_over_and_of_those_that_run() -> None:
    spent = Spent(Budget(hours=1), [])
    spent.add(1800, TrialState.COMPLETE)
    spent.add(600, TrialState.PRUNED)
    assert not spent.all_hours(running=1199)
    assert spent.all_hours(running=1200)


def test_more_failures_than_allowed_are_too_many_whatever_else_ends() -> None:
    spent = Spent(Budget(max_failures=1), [])
    for state, too_many in [("FAIL", False), ("COMPLETE", False), ("PRUNED", False), ("FAIL", True)]:
        spent.add(1, TrialState[state])
        assert spent.too_many_failures is too_many


def test_without_limits_nothing_is_spent() -> None:
    spent = Spent(Budget(), [])
    spent.add(1e9, TrialState.FAIL)
    assert not spent.too_many_failures
    assert not spent.all_hours(running=1e9)
