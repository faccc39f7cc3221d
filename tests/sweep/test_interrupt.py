"""Ctrl-C, SIGTERM and SIGHUP, sent for real."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from types import SimpleNamespace

import pytest

from nemesis_sweep.sweep import interrupt
from nemesis_sweep.sweep.interrupt import AT_ONCE, LATE, SIGNALS, Arrivals, interruptible, stoppable


@pytest.fixture(autouse=True)
def arrivals(monkeypatch):
    """No test hears of the signals of another one."""
    monkeypatch.setattr(interrupt, "arrivals", Arrivals())


@pytest.mark.parametrize("first", ["sender", "parent"])
def test_a_signal_of_a_group_is_one_however_late_its_parent_hands_it_on(monkeypatch, first):
    """Arrivals: when, and whether the parent had handed on another one by then."""
    clock, handed = [0.0], Counter[int]()
    monkeypatch.setattr(interrupt, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    signals = Arrivals(handed.__getitem__)

    def arrives(after: float, by: str, number: int = signal.SIGTERM) -> bool:
        clock[0] += after
        handed[number] += by == "parent"
        return signals.is_news(number)

    handed[signal.SIGHUP] += 1  # Handed on, and ignored under nohup.

    second = "parent" if first == "sender" else "sender"
    assert arrives(0, first)
    assert not arrives(LATE - 0.1, second)
    assert arrives(AT_ONCE, first)  # Again.
    assert not arrives(0.01, first)  # As `timeout` tells a process, and its group.
    assert not arrives(0.01, second)
    assert arrives(AT_ONCE + 0.1, first)  # A third time,
    assert arrives(LATE, second)  # and a fourth: too late to be the same.
    assert arrives(AT_ONCE + 0.1, first, signal.SIGINT)  # Another number is another signal.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_ends(number, capfd):
    asked = []
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), stoppable(lambda: asked.append(True)):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # as `timeout` does: to the process, and to its group
        assert asked == [True]
        assert "Again: stop now" in capfd.readouterr().err
        time.sleep(AT_ONCE + 0.1)
        os.kill(os.getpid(), number)
    assert asked == [True]
    assert signal.getsignal(number) is before


def test_a_terminal_that_closes_asks_once_and_never_ends():
    asked = []
    before = signal.getsignal(signal.SIGHUP)
    with stoppable(lambda: asked.append(True)):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(AT_ONCE + 0.1)
    assert asked == [True]
    assert signal.getsignal(signal.SIGHUP) is before


@pytest.mark.parametrize("number", SIGNALS)
def test_every_signal_ends_like_ctrl_c_before_and_after_the_trials(number):
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), number)


def test_what_is_ignored_stays_so_as_under_nohup():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible(), stoppable(lambda: pytest.fail("asked")):
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_these_tests_run_under_nohup():
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "every_signal"]
    ran = subprocess.run(["nohup", *line], capture_output=True, text=True, check=False)
    assert f"{len(SIGNALS)} passed" in ran.stdout, ran.stdout


def test_another_thread_can_run_a_sweep_without_signals():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with stoppable(lambda: None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
