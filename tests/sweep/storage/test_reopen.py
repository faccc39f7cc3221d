"""Trials that are over opened again, in the journal and in a database."""

import optuna
import pytest
from optuna.trial import TrialState

from nemesis_sweep.sweep.proposal import AGAIN
from nemesis_sweep.sweep.storage.database import open_database
from nemesis_sweep.sweep.storage.journal import Journal
from nemesis_sweep.sweep.storage.reopen import reopen
from nemesis_sweep.sweep.study import TaskStudy


@pytest.fixture(params=["journal", "database"])
def opened(request, tmp_path):
    """Opens the same storage as often as it is called."""

    def open_():
        if request.param == "journal":
            return Journal(tmp_path / "optuna.journal")
        return open_database(f"sqlite:///{tmp_path / 'optuna.db'}", "made-1")

    return open_


def test_a_trial_is_running_again_with_all_that_it_had(opened, tmp_path):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(study_name="s", storage=opened())
    for state in (TrialState.COMPLETE, TrialState.COMPLETE, TrialState.FAIL):
        trial = study.ask()
        trial.suggest_float("omega", 0.1, 100)
        trial.report(3.0, 1)
        study.tell(trial, 4.0 if state == TrialState.COMPLETE else None, state=state)
    before = study.trials
    for _ in range(2):  # And opened twice, it says why it was the last time.
        reopen(
            opened(), tmp_path / "optuna.journal", {before[1]._trial_id: "why", before[2]._trial_id: "too"}
        )
    trials = optuna.load_study(study_name="s", storage=opened()).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE, TrialState.RUNNING, TrialState.RUNNING]
    assert [trial.params for trial in trials] == [trial.params for trial in before]
    assert [trial.values for trial in trials] == [[4.0], None, None]
    assert trials[1].intermediate_values == {1: 3.0} and trials[1].datetime_complete is None
    assert [trial.user_attrs.get(AGAIN) for trial in trials] == [None, "why", "too"]
    again = optuna.load_study(study_name="s", storage=opened())
    again.tell(1, 5.0)
    assert optuna.load_study(study_name="s", storage=opened()).trials[1].values == [5.0]


def test_a_trial_that_was_judged_already_is_not_pruned(make_sweep, opened, tmp_path):
    """It is the worst by far now; when it was complete nobody was better."""
    sweep = make_sweep(
        "search.baselines=[]", "search.pruner=median", "search.pruner_options.n_startup_trials=1"
    )
    (task,) = sweep.task_list()
    study = TaskStudy(sweep, task, opened())
    ids = {}
    for value in (10.0, 90.0, 91.0, 92.0):
        number = study.next().number
        ids[number] = study._live[number]._trial_id
        for epoch in (5, 10, 15):
            study.report(number, epoch, value)
        study.tell(number, TrialState.COMPLETE, value, seconds=1.0)
    reopen(opened(), tmp_path / "optuna.journal", {ids["0"]: "damaged"})
    study = TaskStudy(sweep, task, opened())
    proposal = study.next()
    assert proposal.number == "0"
    assert not any(study.report("0", epoch, 10.0) for epoch in (5, 10, 15, 20))
