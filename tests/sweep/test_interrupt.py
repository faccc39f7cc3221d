"""Ctrl-C and SIGTERM, sent for real."""

import os
import signal
import threading

import pytest

from nemesis_sweep.sweep.interrupt import stoppable


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_ends(number, capfd):
    asked = []
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), stoppable(lambda: asked.append(True)):
        os.kill(os.getpid(), number)
        assert asked == [True]
        assert "Again: stop now" in capfd.readouterr().err
        os.kill(os.getpid(), number)
    assert asked == [True]
    assert signal.getsignal(number) is before


def test_another_thread_can_run_a_sweep_without_signals():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with stoppable(lambda: None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
