"""Training time of a process that is stopped for a while, really, and of one that only works."""

import signal
import subprocess
import sys
import time

import pytest

from nemesis_sweep.training.stopwatch import Stopwatch

WORK = """
import sys, time
from nemesis_sweep.training.stopwatch import Stopwatch
with Stopwatch() as watch:
    print("begun", flush=True)
    deadline = time.process_time() + float(sys.argv[1])
    while time.process_time() < deadline:
        sum(range(1000))
print(watch.seconds)
"""


def worker(seconds: float) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-c", WORK, str(seconds)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("work", [0.6, 0.05])
def test_a_stopped_process_does_not_train(work):
    """In the middle, or so near to the end that nobody looks at the clock again before it."""
    began = time.monotonic()
    process = worker(work)
    process.send_signal(signal.SIGSTOP)
    time.sleep(3)
    process.send_signal(signal.SIGCONT)
    out, _ = process.communicate(timeout=60)
    assert time.monotonic() - began > 3
    assert float(out) < time.monotonic() - began - 2.5


def test_work_and_short_waits_count():
    began = time.monotonic()
    with Stopwatch() as watch:
        time.sleep(0.4)
        sum(range(10**6))
    assert watch.seconds == pytest.approx(time.monotonic() - began, abs=0.05)


def test_work_that_lets_nobody_look_counts():
    """One call that holds Python's lock for longer than any pause."""
    watch = Stopwatch()
    watch._thread.start = lambda: None
    began = time.monotonic()
    with watch:
        deadline = time.process_time() + 1.5
        while time.process_time() < deadline:
            pass
    assert watch.seconds == pytest.approx(time.monotonic() - began, abs=0.1)
