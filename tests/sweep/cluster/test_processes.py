"""Processes of this machine: what descends from one, what mentions a text, and the end of both."""

import os
import signal
import subprocess
import sys
import time

from nemesis_sweep.sweep.cluster.processes import Process, below, end_all, mentioning

CHILD = "import subprocess, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"


def found(pid: int) -> Process:
    return next(process for process in below(os.getpid()) if process.pid == pid)


def grandchildren(pid: int) -> list[Process]:
    deadline = time.monotonic() + 20
    while not (those := list(below(pid))) and time.monotonic() < deadline:
        time.sleep(0.02)
    return those


def test_stopped_ones_and_their_children_are_ended():
    child = subprocess.Popen([sys.executable, "-c", CHILD])
    (grandchild,) = grandchildren(child.pid)
    process = found(child.pid)
    assert process.lives
    assert below(os.getpid())[grandchild] == child.pid
    os.kill(child.pid, signal.SIGSTOP)
    end_all([process, grandchild])
    assert (process.lives, grandchild.lives) == (False, False)
    assert process.state == "X"


def test_they_are_known_by_what_they_were_given(tmp_path):
    mark = str(tmp_path / "mark")
    child = subprocess.Popen(["sleep", "60"], env={**os.environ, "MARK": mark})
    other = subprocess.Popen(["sleep", "60"])
    try:
        assert [process.pid for process in mentioning(mark)] == [child.pid]
    finally:
        end_all([found(child.pid), found(other.pid)])


def test_a_number_that_is_used_again_is_another_process():
    assert not Process(os.getpid(), "0").lives
