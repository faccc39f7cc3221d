"""Rows that train nothing, measured by a process of our own before Ray's workers are up."""

import subprocess
import sys
import time

import pytest

from nemesis_sweep.sweep import ahead
from nemesis_sweep.sweep.ahead import Ahead
from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.result import Report
from nemesis_sweep.sweep.worker.result import read_result
from tests.sweep.test_broker import Silent


class Watcher(Silent):
    def __init__(self) -> None:
        self.finished: list[tuple[str, str, float]] = []
        self.waits: list[str] = []

    def trial_finished(self, study, number, state, value, seconds, reason="", candidate=None):
        self.finished.append((number, state, value))

    def trial_waits(self, study, number, reason):
        self.waits.append(number)


@pytest.fixture
def open_broker(make_sweep, open_study, tmp_path):
    """A broker over the sweep's only study; opened again it is the broker of a second driver."""

    def open_(*changes: str) -> TrialBroker:
        sweep = make_sweep("method.views=1", "search.baselines=[linear_probe, zero_shot, coop]", *changes)
        home = Home(tmp_path / "home")
        home.create()
        return TrialBroker(sweep, home, [open_study(sweep)], Watcher())

    return open_


def wait_for(what) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def answering(monkeypatch, code: str) -> None:
    """Let the process be another one, that runs some code for every line of its input."""
    program = f"import json, sys, time\nfor line in sys.stdin:\n    config = json.loads(line)\n    {code}\n"
    monkeypatch.setattr(
        ahead,
        "_start",
        lambda: subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ),
    )


def test_rows_that_train_nothing_are_complete_before_tune_asks(open_broker) -> None:
    broker = open_broker()
    with Ahead(broker):
        assert broker.has_more
        wait_for(lambda: len(broker.progress.finished) == 2)
    (first, state, value), second = broker.progress.finished
    assert (first, state) == ("zero_shot", "COMPLETE") and second[:2] == ("linear_probe", "COMPLETE")
    result = read_result(broker.home.trial(broker.studies[0].key, "zero_shot"))
    assert result is not None and result.metrics["val/accuracy"] == value
    config = broker.next("a")
    assert config is not None and config["number"] == "coop"


MEASURED = Report(done=True, metrics={"val/accuracy": 20.0}, seconds=0.1)
GOOD = f"print(json.dumps({MEASURED.to_json()}), flush=True)"


def test_what_the_process_leaves_is_done_by_a_worker(open_broker, monkeypatch) -> None:
    """It may end before it has answered, or answer that it would rather not."""
    for code in ("sys.exit()", 'print("{}", flush=True)', 'print("{", flush=True)'):
        answering(monkeypatch, code)
        broker = open_broker()
        with Ahead(broker):
            wait_for(lambda: broker.progress.waits)  # noqa: B023 - waited for within the loop
        assert broker.progress.waits == ["zero_shot"] and broker.progress.finished == []
        assert [broker.next(name)["number"] for name in ("a", "b", "c")] == [
            "zero_shot",
            "linear_probe",
            "coop",
        ]


def test_a_driver_that_is_told_to_stop_leaves_the_row_to_the_next_one(open_broker, monkeypatch) -> None:
    answering(monkeypatch, "time.sleep(60)")
    broker = open_broker()
    with pytest.raises(KeyboardInterrupt), Ahead(broker):
        broker.stop()
        raise KeyboardInterrupt
    assert broker.studies[0].counts()["fail"] == 0
    answering(monkeypatch, GOOD)
    again = open_broker()
    with Ahead(again):
        wait_for(lambda: len(again.progress.finished) == 2)
    assert [number for number, *_ in again.progress.finished] == ["zero_shot", "linear_probe"]


def test_when_workers_are_up_the_process_begins_nothing_more(open_broker, monkeypatch) -> None:
    answering(monkeypatch, "time.sleep(0.5); " + GOOD)
    broker = open_broker()
    with Ahead(broker):
        config = broker.next("a")
        assert config is not None and config["number"] == "linear_probe"
        broker.complete("a", Report(done=True, seconds=1.0, metrics={"val/accuracy": 40.0}))
        wait_for(lambda: len(broker.progress.finished) == 2)
        config = broker.next("b")
        assert config is not None and config["number"] == "coop"


def test_a_process_that_hangs_is_not_waited_for_once_workers_are_up(open_broker, monkeypatch) -> None:
    answering(monkeypatch, "time.sleep(60)")
    monkeypatch.setattr(ahead, "PATIENCE", 0.3)
    monkeypatch.setattr(ahead, "POLL", 0.1)
    broker = open_broker()
    with Ahead(broker):
        time.sleep(0.6)
        assert broker.progress.waits == []
        broker.next("a")
        broker.complete("a", Report(done=True, seconds=1.0, metrics={"val/accuracy": 40.0}))
        wait_for(lambda: broker.progress.waits)
        config = broker.next("b")
        assert config is not None and config["number"] == "zero_shot"


def test_nothing_is_started_where_there_is_no_such_row(make_sweep, open_broker, monkeypatch) -> None:
    monkeypatch.setattr(ahead, "_start", lambda: pytest.fail("started"))
    with Ahead(open_broker("search.baselines=[coop]")):
        pass


def test_what_goes_wrong_at_the_broker_is_raised(open_broker, monkeypatch) -> None:
    answering(monkeypatch, GOOD)
    broker = open_broker()

    def refuse(*_args, **_named):
        raise OSError("no room")

    monkeypatch.setattr(broker.studies[0], "tell", refuse)
    with pytest.raises(OSError, match="no room"), Ahead(broker) as at_work:
        wait_for(lambda: not at_work._thread.is_alive())
    with pytest.raises(KeyboardInterrupt), Ahead(open_broker()):
        raise KeyboardInterrupt
