"""The desk without Ray: whose turn it is, and when nothing is handed out any more."""

import pytest

from nemesis_sweep.sweep.desk import Desk
from nemesis_sweep.sweep.home import Home
from nemesis_sweep.tracking.store import Tracking


class Silent:
    """A person who does not watch."""

    def trial_started(self, study, number, params):
        pass

    def epoch(self, study, number, epoch, epochs, metrics):
        pass

    def trial_finished(self, study, number, state, value, seconds, reason=""):
        pass


@pytest.fixture
def open_desk(open_study, tmp_path):
    """A desk over the sweep's only study; opened again it is the desk of a second driver."""

    def open_(sweep):
        return Desk(sweep, Home(tmp_path / "home"), [open_study(sweep)], Tracking("", "", ""), Silent())

    return open_


def run(desk, seconds):
    """Let every trial that the desk hands out take so many seconds; their numbers in order."""
    numbers = []
    while (config := desk.next(f"t{len(numbers)}")) is not None:
        result = {"done": True, "epoch": 20, "val/accuracy": 50.0, "seconds": seconds}
        desk.complete(f"t{len(numbers)}", result)
        numbers.append(config["number"])
    return numbers


def test_without_hours_all_trials_are_handed_out(make_sweep, open_desk):
    assert run(open_desk(make_sweep()), 3600.0) == ["zero_shot", "coop", "0", "1", "2", "3", "4", "5"]


def test_hours_end_the_proposals_but_not_the_baselines(make_sweep, open_desk):
    sweep = make_sweep("budget.hours=0.001")
    desk = open_desk(sweep)
    assert run(desk, 5.0) == ["zero_shot", "coop"]
    assert desk.hours_are_spent
    assert not desk.has_more


def test_hours_count_what_earlier_runs_spent_and_can_grow(make_sweep, open_desk):
    assert run(open_desk(make_sweep("budget.hours=3.5")), 3600.0) == ["zero_shot", "coop", "0", "1"]
    assert run(open_desk(make_sweep("budget.hours=3.5")), 3600.0) == []
    assert run(open_desk(make_sweep("budget.hours=5.5")), 3600.0) == ["2", "3"]


def test_a_trial_that_runs_counts_while_it_runs(make_sweep, open_desk, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("nemesis_sweep.sweep.desk.time.monotonic", lambda: now[0])
    desk = open_desk(make_sweep("budget.hours=1", "search.baselines=[]"))
    assert desk.next("a") is not None
    now[0] = 3500.0
    assert desk.next("b") is not None
    now[0] = 3600.0
    assert desk.next("c") is None
