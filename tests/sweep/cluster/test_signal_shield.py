"""Processes that are told nothing, not even by a signal to their whole group."""

import os
import signal
import subprocess

import pytest

from nemesis_sweep.sweep.cluster.signal_shield import end_watchers, signal_shield
from nemesis_sweep.sweep.interrupt import SIGNALS


def start() -> subprocess.Popen:
    # As Ray starts its own: with something to do between fork and exec.
    return subprocess.Popen(["sleep", "60"], preexec_fn=lambda: None, start_new_session=True)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_signals_reach_others_only(number):
    with signal_shield() as started:
        ray = start()
    other = start()
    for process in (ray, other):
        os.killpg(process.pid, number)
    assert other.wait(10) == -number
    assert ray.poll() is None
    assert started == [ray.pid]
    end_watchers(started)
    assert ray.wait(10) == -signal.SIGKILL


def test_those_that_are_gone_are_no_matter():
    with signal_shield() as started:
        ray = start()
    ray.kill()
    ray.wait(10)
    end_watchers(started)
