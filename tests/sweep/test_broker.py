"""The broker without Ray: whose turn it is, and when nothing is handed out any more."""

from dataclasses import replace

import pytest

from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.result import Report
from tests.small_disk import limited_files


class Silent:
    """A person who does not watch."""

    def trial_started(self, study, number, params):
        pass

    def epoch(self, study, number, epoch, epochs, metrics):
        pass

    def trial_finished(self, study, number, state, value, seconds, reason="", candidate=None):
        pass

    def say(self, line):
        pass


@pytest.fixture
def open_broker(open_study, tmp_path):
    """A broker over the sweep's only study; opened again it is the broker of a second driver."""

    def open_(sweep):
        return TrialBroker(sweep, Home(tmp_path / "home"), [open_study(sweep)], Silent())

    return open_


def run(broker, seconds):
    """Let every trial that the broker hands out take so many seconds; their numbers in order."""
    numbers = []
    while (config := broker.next(f"t{len(numbers)}")) is not None:
        result = Report(done=True, epoch=20, seconds=seconds, metrics={"val/accuracy": 50.0})
        broker.complete(f"t{len(numbers)}", result)
        numbers.append(config["number"])
    return numbers


def test_without_hours_all_trials_are_handed_out(make_sweep, open_broker):
    assert run(open_broker(make_sweep()), 3600.0) == ["zero_shot", "coop", "0", "1", "2", "3", "4", "5"]


def test_hours_end_the_proposals_but_not_the_baselines(make_sweep, open_broker):
    sweep = make_sweep("budget.hours=0.001")
    broker = open_broker(sweep)
    assert run(broker, 5.0) == ["zero_shot", "coop"]
    assert broker.hours_are_spent
    assert not broker.has_more


def test_hours_count_what_earlier_runs_spent_and_can_grow(make_sweep, open_broker):
    assert run(open_broker(make_sweep("budget.hours=3.5")), 3600.0) == ["zero_shot", "coop", "0", "1"]
    assert run(open_broker(make_sweep("budget.hours=3.5")), 3600.0) == []
    assert run(open_broker(make_sweep("budget.hours=5.5")), 3600.0) == ["2", "3"]


def test_a_trial_that_runs_counts_while_it_runs(make_sweep, open_broker, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("nemesis_sweep.sweep.broker.time.monotonic", lambda: now[0])
    broker = open_broker(make_sweep("budget.hours=1", "search.baselines=[]"))
    assert broker.next("a") is not None
    now[0] = 3500.0
    assert broker.next("b") is not None
    now[0] = 3600.0
    assert broker.next("c") is None


def test_a_stopping_broker_puts_trials_off_and_the_next_one_hands_them_out_again(make_sweep, open_broker):
    sweep = make_sweep("search.baselines=[]", "search.pruner=none")
    broker = open_broker(sweep)
    first = broker.next("a")
    assert not broker.report("a", Report(epoch=5, metrics={"val/accuracy": 10.0}))
    broker.stop()
    assert broker.next("b") is None
    assert broker.report("a", Report(epoch=10, metrics={"val/accuracy": 20.0}))
    broker.complete("a", Report(epoch=10, metrics={"val/accuracy": 20.0}))
    again = open_broker(sweep).next("a")
    assert (again["number"], again["params"]) == (first["number"], first["params"])


def test_a_stopping_broker_takes_a_result_that_is_done(make_sweep, open_broker):
    broker = open_broker(make_sweep("search.baselines=[]"))
    broker.next("a")
    broker.stop()
    broker.complete("a", Report(epoch=20, done=True, metrics={"val/accuracy": 20.0}))
    assert broker.studies[0].counts()["complete"] == 1


def test_failures_beyond_the_budget_end_the_proposals(make_sweep, open_broker, monkeypatch):
    monkeypatch.setattr("nemesis_sweep.sweep.closing.close_trial", lambda *_: True)  # there is no MLflow here
    broker = open_broker(make_sweep("search.baselines=[]", "budget.max_failures=1"))
    for tune_id in ("a", "b"):
        assert broker.next(tune_id) is not None
        broker.complete(tune_id, Report(done=True, failure="ValueError: no"))
    assert broker.too_many_failures
    assert broker.next("c") is None
    study = broker.studies[0]
    assert study.counts()["fail"] == 2
    assert study.trials()[0][1].user_attrs["reason"] == "ValueError: no"


def test_after_too_many_failures_neither_baselines_nor_a_control_begin(make_sweep, open_broker, monkeypatch):
    """What was begun still ends, for a driver that comes later, too."""
    monkeypatch.setattr("nemesis_sweep.sweep.closing.close_trial", lambda *_: True)
    changes = ("space.n_ctx={choices: [4, 8]}", "budget.max_failures=0", "search.pruner=none")
    broker = open_broker(make_sweep("search.baselines=[control]", *changes))
    good = Report(done=True, epoch=20, seconds=1.0, metrics={"val/accuracy": 50.0})
    for tune_id in "abc":
        assert broker.next(tune_id) is not None
    broker.complete("a", replace(good, metrics={"val/accuracy": 60.0}))
    broker.complete("b", Report(done=True, failure="ValueError: no"))
    assert broker.next("d") is None
    again = open_broker(make_sweep("search.baselines=[coop, control]", *changes))
    assert again.has_more
    assert again.next("c")["number"] == "2"
    assert not again.has_more
    again.complete("c", good)
    assert again.next("e") is None and not again.has_more
    # With patience again, what was held back begins.
    patient = open_broker(make_sweep("search.baselines=[coop, control]", *changes, "budget.max_failures=1"))
    assert run(patient, 1.0) == ["coop", "3", "4", "5", "control-of-0"]


def test_a_number_of_trials_without_end_is_ended_by_the_hours(make_sweep, open_broker):
    endless = ("budget.trials=1000000000000", "budget.hours=2.5")
    broker = open_broker(make_sweep("search.baselines=[]", *endless))
    assert run(broker, 3600.0) == ["0", "1", "2"]
    assert not broker.has_more
    assert broker.studies[0].total == 10**12


FULL = Report(done=True, full="/home/mlflow.db (database or disk is full) on a-node")


@pytest.mark.parametrize("told", [True, False])
def test_a_full_disk_is_no_trials_failure(make_sweep, open_broker, told):
    """Its worker says so, or just dies; the trial stays as it is for a run that finds room."""
    sweep = make_sweep("search.baselines=[]", "search.pruner=none")
    broker = open_broker(sweep)
    broker.home.create()
    first, _ = broker.next("a"), broker.next("b")
    if told:
        broker.complete("a", FULL)
    else:
        with limited_files(1000):
            broker.complete("a", None, failed=True)
    assert broker.full.startswith(FULL.full if told else str(broker.home.path))
    assert broker.stopping and broker.next("c") is None
    assert broker.report("b", Report(epoch=5, metrics={"val/accuracy": 20.0}))
    broker.complete("b", Report(epoch=5, metrics={"val/accuracy": 20.0}))
    assert broker.studies[0].counts() == {"complete": 0, "pruned": 0, "fail": 0, "running": 2}
    again = open_broker(sweep)
    assert (again.next("a")["params"], again.next("b")["number"]) == (first["params"], "1")


def test_a_worker_that_dies_with_room_left_is_a_failure(make_sweep, open_broker):
    broker = open_broker(make_sweep("search.baselines=[]"))
    broker.home.create()
    broker.next("a")
    broker.complete("a", None, failed=True)
    assert broker.studies[0].counts()["fail"] == 1 and not broker.stopping
    assert list(broker.home.path.iterdir()) == []


OUT = Report(done=True, failure="OutOfMemoryError: no", out_of_memory=True)


@pytest.fixture
def broker_of_quarters(make_sweep, open_broker, monkeypatch):
    """Trials take a quarter of a GPU; opened again it is the broker of a second driver."""
    monkeypatch.setattr("nemesis_sweep.sweep.closing.close_trial", lambda *_: True)
    sweep = make_sweep("search.baselines=[]", "search.pruner=none")

    def open_():
        broker = open_broker(sweep)
        broker.resources = {"cpu": 1.0, "gpu": 0.25}
        return broker

    return open_


def test_out_of_memory_doubles_the_share_until_there_is_no_more_to_give(broker_of_quarters):
    broker = broker_of_quarters()
    first = broker.next("a")
    assert first["resources"] == {"cpu": 1.0, "gpu": 0.25}
    for tune_id, following, share in (("a", "b", 0.5), ("b", "c", 1.0)):
        broker.complete(tune_id, OUT)
        again = broker.next(following)
        assert again["resources"]["gpu"] == share
        assert (again["number"], again["params"]) == (first["number"], first["params"])
    broker.complete("c", OUT)
    counts = broker.studies[0].counts()
    assert (counts["fail"], counts["running"]) == (1, 0)
    other = broker.next("d")
    assert (other["number"], other["resources"]["gpu"]) == ("1", 0.25)


@pytest.mark.parametrize(("gpus", "share"), [("auto", 0.63), (0.25, 0.25)])
def test_a_measured_share_grows_with_the_seeds_of_a_confirmation(make_sweep, open_broker, gpus, share):
    """Not one that the sweep file says: there running out of memory may still double it."""
    confirm = ("search.baselines=[]", "search.confirm={top: 1, seeds: 5}", "budget.trials=1")
    broker = open_broker(make_sweep(*confirm, f"resources.gpus={gpus}"))
    broker.resources = {"cpu": 1.0, "gpu": 0.25}
    first = broker.next("a")
    assert first["resources"]["gpu"] == 0.25
    broker.complete("a", Report(done=True, metrics={"val/accuracy": 50.0}))
    again = broker.next("b")
    assert (again["number"], len(again["seeds"])) == ("confirm-of-0", 5)
    assert again["resources"]["gpu"] == share


def test_nobody_takes_the_room_that_a_larger_share_waits_for(broker_of_quarters):
    broker = broker_of_quarters()
    broker.next("a"), broker.next("b")
    broker.complete("a", OUT)
    broker.next("c")
    assert broker.next("d") is None
    assert broker.has_more
    broker.began("b")
    assert broker.next("d") is None
    broker.began("c")
    assert broker.next("d")["number"] == "2"


def test_there_may_be_more_as_long_as_a_trial_runs_that_could_be_given_more(broker_of_quarters):
    """Tune does not ask again once it was told that nothing is left."""
    broker = broker_of_quarters()
    tune_ids = []
    while broker.next(f"t{len(tune_ids)}") is not None:
        tune_ids.append(f"t{len(tune_ids)}")
    for tune_id in tune_ids[1:]:
        broker.complete(tune_id, Report(done=True, epoch=20, metrics={"val/accuracy": 50.0}))
    assert broker.has_more
    broker.complete(tune_ids[0], OUT)
    assert broker.next("again")["number"] == "0"
    broker.complete("again", Report(done=True, epoch=20, metrics={"val/accuracy": 50.0}))
    assert not broker.has_more


def test_a_larger_share_is_kept_for_the_next_driver(broker_of_quarters):
    broker = broker_of_quarters()
    broker.next("a")
    broker.complete("a", OUT)
    assert broker.studies[0].counts()["running"] == 1
    again = broker_of_quarters().next("a")
    assert (again["number"], again["resources"]["gpu"]) == ("0", 0.5)


def test_out_of_memory_without_a_gpu_is_a_failure(broker_of_quarters):
    broker = broker_of_quarters()
    broker.resources = {"cpu": 1.0}
    broker.next("a")
    broker.complete("a", OUT)
    assert broker.studies[0].counts()["fail"] == 1


@pytest.mark.parametrize(("cpus", "threads"), [("0.5", 1), ("1", 1), ("2.5", 2), ("4", 4)])
def test_a_trials_threads_follow_its_cpus(make_sweep, open_broker, cpus, threads):
    config = open_broker(make_sweep(f"resources.cpus={cpus}")).next("a")
    assert (config["threads"], config["resources"]["cpu"]) == (threads, float(cpus))
