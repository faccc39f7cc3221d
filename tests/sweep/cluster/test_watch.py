"""The main thread is got out of what waits for a cluster that is gone."""

import inspect
import signal
import threading
import time
from contextlib import suppress

import pytest

from nemesis_sweep.sweep.cluster import watch
from nemesis_sweep.sweep.cluster.lost import LostClusterError
from nemesis_sweep.sweep.cluster.watch import Watch


def never(lost: LostClusterError) -> None:
    pytest.fail("not asked to leave")


def test_a_loss_is_raised_in_the_middle_of_a_wait():
    before = signal.getsignal(watch.WORD)
    lost = LostClusterError("gone")
    began = time.monotonic()
    with pytest.raises(LostClusterError, match="gone"), Watch(lambda: lost, never):
        threading.Event().wait(30)
    assert time.monotonic() - began < 5
    assert signal.getsignal(watch.WORD) is before


def test_no_library_takes_it_for_an_error_of_its_own():
    with pytest.raises(LostClusterError), Watch(lambda: LostClusterError("gone"), never):
        try:
            time.sleep(30)
        except Exception:
            pytest.fail("swallowed")


def test_a_loss_that_was_swallowed_is_raised_at_the_end():
    with (
        pytest.raises(LostClusterError, match="gone"),
        Watch(lambda: LostClusterError("gone"), never),
        suppress(LostClusterError),
    ):
        time.sleep(30)


def test_an_error_that_came_of_a_loss_is_not_told_instead_of_it():
    """What a library says of servers that do not answer any more may come before the next look."""
    with pytest.raises(LostClusterError, match="gone"), Watch(lambda: LostClusterError("gone"), never):
        raise ConnectionError("of the library")


def test_an_error_of_its_own_stays_one():
    with pytest.raises(ValueError, match="of the sweep"), Watch(lambda: None, never):
        raise ValueError("of the sweep")


def test_tune_does_not_take_the_word_for_itself():
    """It listens to signals while it trains, and would end there as if it had been asked to stop."""
    from ray.tune import tune

    source = inspect.getsource(tune)
    assert "signal.SIGUSR1" in source, "how Tune listens has changed"
    assert watch.WORD.name not in source


def test_a_main_thread_that_hears_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(watch, "PATIENCE", 0.5)
    monkeypatch.setattr(watch, "AGAIN", 0.1)
    given_up = threading.Event()
    with (
        pytest.raises(LostClusterError),
        Watch(lambda: LostClusterError("gone"), lambda lost: given_up.set()),
    ):
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
