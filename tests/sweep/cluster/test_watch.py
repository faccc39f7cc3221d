"""The main thread is got out of what waits for a cluster that is gone."""

import signal
import threading
import time

import pytest

from nemesis_sweep.sweep.cluster import watch
from nemesis_sweep.sweep.cluster.lost import LostClusterError
from nemesis_sweep.sweep.cluster.watch import Watch


def never(lost: LostClusterError) -> None:
    pytest.fail("not asked to leave")


def test_a_loss_is_raised_in_the_middle_of_a_wait():
    before = signal.getsignal(signal.SIGUSR1)
    lost = LostClusterError("gone")
    began = time.monotonic()
    with pytest.raises(LostClusterError, match="gone"), Watch(lambda: lost, never):
        threading.Event().wait(30)
    assert time.monotonic() - began < 5
    assert signal.getsignal(signal.SIGUSR1) is before


def test_no_library_takes_it_for_an_error_of_its_own():
    with pytest.raises(LostClusterError), Watch(lambda: LostClusterError("gone"), never):
        try:
            time.sleep(30)
        except Exception:
            pytest.fail("swallowed")


def test_a_main_thread_that_hears_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(watch, "PATIENCE", 0.5)
    monkeypatch.setattr(watch, "AGAIN", 0.1)
    given_up = threading.Event()
    with Watch(lambda: LostClusterError("gone"), lambda lost: given_up.set()):
        deadline = time.monotonic() + 30
        while not given_up.is_set() and time.monotonic() < deadline:
            try:
                time.sleep(0.1)
            except LostClusterError:
                continue
    assert given_up.is_set()


def test_a_cluster_that_lives_is_left_alone():
    with Watch(lambda: None, never) as watched:
        time.sleep(0.6)
        watched.check()
    assert watched.lost is None
