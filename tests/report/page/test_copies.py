"""Work that copies of a process share: in order, as if one had done it, whatever becomes of a copy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.report.page.copies import copies, made_by_copies


def test_what_copies_made_comes_in_order() -> None:
    made = list(made_by_copies(lambda place: (place, os.getpid()), 6, 2))
    assert [place for place, _ in made] == list(range(6))
    assert os.getpid() not in {process for _, process in made}


def test_alone_it_is_made_here() -> None:
    assert set(made_by_copies(lambda _: os.getpid(), 3, 1)) == {os.getpid()}


@pytest.mark.parametrize("error", [UserError(Problem("wrong", key="--to")), OSError(28, "full", "file")])
def test_an_error_of_a_copy_is_raised_here(error: Exception) -> None:
    def make(place: int) -> int:
        if place == 1:
            raise error
        return place

    with pytest.raises(type(error)) as raised:
        list(made_by_copies(make, 3, 2))
    assert str(raised.value) == str(error)


def test_what_a_killed_copy_leaves_is_made_here() -> None:
    here = os.getpid()

    def make(place: int) -> int:
        if place == 2 and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return place

    assert list(made_by_copies(make, 5, 2)) == [0, 1, 2, 3, 4]


def test_copies_end_with_a_process_that_is_killed() -> None:
    program = """
import os, time
from nemesis_sweep.report.page.copies import made_by_copies
for copy in made_by_copies(lambda place: os.getpid() if place < 2 else time.sleep(600), 4, 2):
    print(copy, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        copies_of_it = {int(running.stdout.readline()) for _ in range(2)}
        assert running.pid not in copies_of_it
        running.kill()
        # The pipe ends when nobody holds it any more.
        running.communicate(timeout=30)


def test_a_process_with_threads_is_not_copied() -> None:
    waiting = threading.Event()
    thread = threading.Thread(target=waiting.wait)
    thread.start()
    try:
        assert copies() == 1
    finally:
        waiting.set()
        thread.join()
