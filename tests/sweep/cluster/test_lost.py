"""A command that has lost its cluster is started again in its own process, and not without end."""

import signal
import subprocess
import sys

import pytest

from nemesis_sweep.sweep.cluster.lost import MOST, RESTARTS, LostClusterError, went_on

STRUCK = """
import os, signal, sys, threading, time
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.cluster.lost import LostClusterError, RESTARTS, last_resort, starting_again
from nemesis_sweep.sweep.interrupt import interruptible
print(os.getpid(), os.getcwd(), os.environ.get(RESTARTS), sys.argv[1:], flush=True)
os.chdir("/")
try:
    with interruptible(), starting_again():
        if "--signal" in sys.argv and RESTARTS in os.environ:
            time.sleep(10)  # never: what came during the new start is heard first
        if "--stuck" in sys.argv:
            threading.Thread(target=last_resort, args=[LostClusterError("gone")]).start()
            time.sleep(10)
        if "--signal" in sys.argv:
            import nemesis_sweep.sweep.cluster.lost as lost
            go = os.execv
            lost.os.execv = lambda *line: (os.kill(os.getpid(), signal.SIGTERM), go(*line))
        raise LostClusterError("the raylet has ended")
except UserError as error:
    sys.exit(str(error))
except KeyboardInterrupt:
    sys.exit("interrupted")
"""


def struck(tmp_path, *words: str) -> subprocess.CompletedProcess:
    script = tmp_path / "struck.py"
    script.write_text(STRUCK)
    line = [sys.executable, str(script), "run", "--fresh", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)


@pytest.mark.parametrize("words", [[], ["--stuck"]])
def test_it_is_started_again_three_times_and_then_ends_with_an_error(tmp_path, words):
    answer = struck(tmp_path, *words)
    pids, folders = zip(*(line.split()[:2] for line in answer.stdout.splitlines()), strict=True)
    assert len(pids) == 1 + MOST
    assert set(folders) == {str(tmp_path)}
    assert len(set(pids)) == 1
    assert [line.split()[2] for line in answer.stdout.splitlines()] == ["None", "1", "2", "3"]
    # A second --fresh would set aside what there is by now.
    assert ["--fresh" in line for line in answer.stdout.splitlines()] == [True, False, False, False]
    assert answer.returncode != 0
    assert "Ray was lost 4 times without a result in between" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_signal_during_the_new_start_is_not_lost(tmp_path):
    answer = struck(tmp_path, "--signal")
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == "interrupted"
    assert len(answer.stdout.splitlines()) == 2
    assert signal.SIGTERM.name not in answer.stderr


def test_a_result_begins_the_count_anew(monkeypatch):
    monkeypatch.setenv(RESTARTS, str(MOST))
    assert "4 times" in str(LostClusterError("gone").told)
    went_on()
    assert LostClusterError("gone").told is None


def test_a_cluster_of_somebody_else_and_one_that_cannot_work_end_the_command():
    assert "RAY_ADDRESS: the Ray cluster is gone: no GCS" in str(LostClusterError("no GCS", "host:1").told)
    assert "no worker" in str(LostClusterError("no worker", final=True).told)
