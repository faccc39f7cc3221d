"""What `status` reads of a sweep that is under way."""

import json

import pytest
from optuna.trial import TrialState

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.dump import sweep_to_yaml
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.runner import open_studies
from nemesis_sweep.sweep.status import sweep_status


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def test_a_folder_without_a_sweep_is_told(home):
    with pytest.raises(UserError, match="HOME: no such folder"):
        sweep_status(home)


def test_counts_best_and_time_left(make_sweep, home):
    home.create()
    sweep = make_sweep("search.pruner=none", "search.baselines=[zero_shot, coop]")
    home.sweep_file.write_text(sweep_to_yaml(sweep))
    (study,) = open_studies(sweep, home)

    def now():
        (found,) = sweep_status(home).studies
        return found

    def end(state, value, seconds):
        study.tell(study.next().number, state, value, seconds)

    end(TrialState.COMPLETE, 90.0, 0.1)
    running = study.next()
    # The zero-shot row is neither the best nor a measure of how long the others take.
    assert (now().total, now().complete, now().running) == (8, 1, 1)
    assert (now().best_value, now().trial_seconds, now().eta_seconds) == (None, None, None)
    study.tell(running.number, TrialState.COMPLETE, 40.0, 10.0)
    assert (now().trial_seconds, now().eta_seconds) == (10.0, None)
    best, other = study.next(), study.next()
    assert now().eta_seconds == 10.0 * 6 / 2
    study.tell(best.number, TrialState.COMPLETE, 50.0, 20.0)
    study.tell(other.number, TrialState.FAIL, None, 6.0, "died")
    end(TrialState.PRUNED, None, 4.0)
    study.next()
    status = now()
    assert (status.complete, status.pruned, status.failed, status.running) == (3, 1, 1, 1)
    assert (status.best_trial, status.best_value, status.best_params) == (best.number, 50.0, best.params)
    assert status.eta_seconds == 10.0 * 3
    told = json.loads(json.dumps(sweep_status(home).as_dict()))
    wanted = {"task", "complete", "running", "pruned", "failed", "best_value", "best_params"}
    assert wanted <= told["studies"][0].keys()
