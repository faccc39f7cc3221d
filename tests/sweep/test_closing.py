"""A trial that is over: Optuna hears of it first, then MLflow, then the person who watches."""

import math

import pytest
from optuna.trial import TrialState

from nemesis_sweep.sweep.best import LOSS
from nemesis_sweep.sweep.closing import Closing
from nemesis_sweep.sweep.convergence import ERROR
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.sweep.trial_end import trial_end
from nemesis_sweep.sweep.watcher import Unmoved
from nemesis_sweep.tracking.outbox import CLOSE, TAGS, Outbox
from nemesis_sweep.tracking.trial_run import TrialRun


class Watching(Unmoved):
    """Keeps what is told of trials that are over."""

    def __init__(self):
        self.finished = []

    def trial_finished(self, study, number, state, value, seconds, reason="", candidate=None):
        self.finished.append((number, state, value, seconds, reason, candidate))


@pytest.fixture
def begun(make_sweep, open_study, tmp_path):
    """A study without baselines and its first trial, with a run in MLflow; closes it by a report."""
    sweep = make_sweep("search.baselines=[]", "search.pruner=none")
    study, home = open_study(sweep), Home(tmp_path / "home")
    proposal = study.next()
    folder = home.trial(study.key, proposal.number)
    folder.mkdir(parents=True)
    TrialRun.open(folder, {}, {})
    watching, followed = Watching(), []
    closing = Closing(sweep.search, home, watching, followed.append)

    def close(last, **how):
        closing.close(study, proposal, last, trial_end(sweep.search, proposal, last, **how), 7.0)
        return study.trials()[0][1], [each for each in Outbox(folder).read()[0] if each["event"] != "open"]

    close.watching, close.followed, close.study, close.folder = watching, followed, study, folder
    return close


def done(accuracy, loss):
    replicates = {"val/accuracy": [accuracy - 1, accuracy + 1]}
    return Report(done=True, epoch=20, metrics={"val/accuracy": accuracy, LOSS: loss}, replicates=replicates)


def test_a_complete_trial_keeps_what_the_choice_of_the_best_asks_for(begun):
    trial, told = begun(done(50.0, 0.5))
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 50.0)
    assert trial.user_attrs[LOSS] == 0.5
    assert trial.user_attrs[ERROR] == pytest.approx(1.0)  # deviation sqrt(2) over the root of two
    assert trial.intermediate_values == {20: 50.0}
    # Its worker ended its run itself; here it only gets its name and description.
    assert [each["event"] for each in told] == [TAGS] and "50" in told[0]["note"]
    ((number, state, value, seconds, reason, contender),) = begun.watching.finished
    assert (number, state, value, seconds, reason) == ("0", "COMPLETE", 50.0, 7.0, "")
    assert contender.number == "0" and contender.values == (50.0,)
    assert begun.followed == [begun.folder]


def test_a_loss_that_is_not_finite_is_not_kept(begun):
    trial, _ = begun(done(50.0, math.inf))
    assert trial.state == TrialState.COMPLETE and LOSS not in trial.user_attrs


@pytest.mark.parametrize(
    ("how", "state", "status"),
    [({"pruned": "epoch 5"}, "PRUNED", "FINISHED"), ({"failed": True, "error": "killed"}, "FAIL", "FAILED")],
)
def test_a_trial_that_did_not_end_well_has_its_run_ended_with_the_reason(begun, how, state, status):
    trial, told = begun(Report(epoch=5, metrics={"val/accuracy": 20.0}), **how)
    assert trial.state.name == state
    ended = next(each for each in told if each["event"] == CLOSE)
    assert (ended["status"], ended["state"]) == (status, state)
    ((_, told_state, value, _, reason, contender),) = begun.watching.finished
    assert (told_state, value, contender) == (state, 20.0, None)
    assert reason and ended["reason"] == reason == trial.user_attrs["reason"]


def test_optuna_knows_of_a_trial_whose_run_cannot_be_written(begun, monkeypatch):
    """What is missing in MLflow can be told again; a trial that Optuna does not know of would run again."""

    def no_room(self, *events):
        raise OSError("no room")

    monkeypatch.setattr(Outbox, "append", no_room)
    with pytest.raises(OSError, match="no room"):
        begun(done(50.0, 0.5))
    assert begun.study.trials()[0][1].state == TrialState.COMPLETE
    assert begun.watching.finished == []
