"""A command that loses Ray is begun again by its parent, not without end, and ends as it means to."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nemesis_sweep.sweep.cluster.lost import LostClusterError
from nemesis_sweep.sweep.cluster.processes import below, process
from nemesis_sweep.sweep.cluster.supervisor import MOST, lost_for_good
from nemesis_sweep.sweep.interrupt import AT_ONCE, LATE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the parent needs Linux")

COMMAND = """
import os, signal, subprocess, sys, threading, time
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.cluster import supervisor
from nemesis_sweep.sweep.cluster.lost import LostClusterError, last_resort, starting_again
from nemesis_sweep.sweep.cluster.supervisor import RAY, RESULT, STOPPING, conclude, tell
from nemesis_sweep.sweep.interrupt import arrivals, interruptible
supervisor.supervise()
print(os.getpid(), os.getcwd(), sys.argv[1:], flush=True)
with open("begun", "a") as file:
    file.write("x")
begun = os.path.getsize("begun")
os.chdir("/")
code = 7
with interruptible():
    try:
        with starting_again():
            BODY
    except UserError as error:
        print(error, file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        code = 130
conclude()
sys.exit(code)
"""


def begun(tmp_path: Path, body: str, *words: str, **options) -> subprocess.Popen:
    script = tmp_path / "command.py"
    script.write_text(COMMAND.replace("BODY", body.replace("\n", "\n            ")))
    line = [sys.executable, str(script), "run", "--fresh", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(line, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path, **options)


def ended(tmp_path: Path, body: str) -> tuple[int, list[str], str]:
    command = begun(tmp_path, body)
    said, told = command.communicate(timeout=60)
    return command.returncode, said.splitlines(), told


@pytest.mark.parametrize(
    "body",
    [
        "tell(RAY)\nraise LostClusterError('the raylet has ended')",
        "tell(RAY)\nthreading.Thread(target=last_resort, args=[LostClusterError('')]).start()\ntime.sleep(9)",
        "tell(RAY)\nos._exit(1)",  # as Ray's C++ does while it signs on
        "tell(RAY)\nos.abort()",
    ],
    ids=["lost", "stuck", "exit", "crash"],
)
def test_it_is_begun_again_three_times_and_then_ends_with_an_error(tmp_path, body):
    code, lines, told = ended(tmp_path, body)
    pids, folders = zip(*(line.split()[:2] for line in lines), strict=True)
    assert len(set(pids)) == 1 + MOST
    assert set(folders) == {str(tmp_path)}
    # A second --fresh would set aside what there is by now.
    assert ["--fresh" in line for line in lines] == [True, False, False, False]
    assert code == 2
    assert "Ray was lost 4 times without a result in between" in told
    assert told.count("Ray is started again and the sweep goes on") == MOST
    assert "Traceback" not in told


def test_a_result_begins_the_count_anew(tmp_path):
    code, lines, told = ended(tmp_path, "tell(RAY)\nif begun < 9: tell(RESULT); os._exit(1)")
    assert (code, len(lines)) == (7, 9)
    assert "error" not in told


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("pass", 7),
        ('tell(RAY)\nsys.exit("its own end")', 1),
        ("os._exit(5)", 5),  # Ray was not there yet
        ("tell(RAY)\nos.kill(os.getpid(), signal.SIGKILL)", -9),
        ("conclude(); os.kill(os.getpid(), signal.SIGKILL)", -9),
        # With the main thread deaf to signals, another one would get it.
        ("threading.Thread(target=time.sleep, args=[9], daemon=True).start()\nconclude(); AT_ONCE", 7),
        ("os.abort()", -6),
        ("tell(RAY, 'host:1')\nos._exit(1)", 2),
        ("tell(RAY)\ntell(STOPPING)\nos._exit(1)", 130),
    ],
)
def test_other_ends_are_ends(tmp_path, body, code):
    body = body.replace("sys.exit(", "conclude(); sys.exit(")
    body = body.replace("AT_ONCE", "os.kill(os.getpid(), signal.SIGTERM); sys.exit(7)")
    found, lines, told = ended(tmp_path, body)
    assert (found, len(lines)) == (code, 1)
    assert ("RAY_ADDRESS: the Ray cluster is gone" in told) == (code == 2)
    assert ("the same command continues" in told) == (code == 130)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("group", [False, True])
def test_a_signal_reaches_it_once(tmp_path, number, group):
    """Its parent hands it on."""
    body = """try:
    print('there', flush=True)
    time.sleep(30)
finally:
    while not any(map(arrivals.handed_on, supervisor.SIGNALS)): pass
    time.sleep(0.5)"""
    command = begun(tmp_path, body, start_new_session=True)
    while command.stdout.readline() != "there\n":
        pass
    (os.killpg if group else os.kill)(command.pid, number)
    said, told = command.communicate(timeout=30)
    assert (command.returncode, said, told) == (130, "interrupted\n", "")


def test_a_parent_that_has_its_turn_late_does_not_ask_again(tmp_path):
    """Who tells the group has told both once; who tells it again asks again."""
    body = """for turn in range(2):
    try:
        if not turn: print('there', flush=True)
        time.sleep(30)
    except KeyboardInterrupt: print(time.monotonic(), flush=True)
while arrivals.handed_on(signal.SIGINT) < 2: pass
time.sleep(0.5)
raise KeyboardInterrupt"""
    command = begun(tmp_path, body, start_new_session=True)
    while command.stdout.readline() != "there\n":
        pass
    os.kill(command.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, command.pid, os.WSTOPPED | os.WNOWAIT)
    os.killpg(command.pid, signal.SIGINT)
    first = float(command.stdout.readline())
    time.sleep(AT_ONCE + 0.2)
    os.kill(command.pid, signal.SIGCONT)
    time.sleep(LATE)
    os.killpg(command.pid, signal.SIGINT)
    second, said = command.communicate(timeout=30)[0].splitlines()
    assert float(second) > first + LATE
    assert (command.returncode, said) == (130, "interrupted")


def test_a_signal_while_it_is_begun_again_is_not_lost(tmp_path):
    body = "tell(RAY)\nif begun == 1: os.kill(os.getppid(), signal.SIGSTOP); os._exit(1)\ntime.sleep(9)"
    command = begun(tmp_path, body)
    os.waitid(os.P_PID, command.pid, os.WSTOPPED | os.WNOWAIT)
    os.kill(command.pid, signal.SIGTERM)
    os.kill(command.pid, signal.SIGCONT)
    said, _ = command.communicate(timeout=30)
    assert command.returncode == 130
    assert said.splitlines()[-1] == "interrupted"


def test_it_dies_with_its_parent_and_its_orphans_with_it(tmp_path):
    """Both ways round: whatever is killed, nothing of it stays."""
    orphaned = "subprocess.run(['sh', '-c', 'sleep 60 & echo $!'])"
    body = f"{orphaned}\nprint('there', flush=True)\ntime.sleep(60)"
    for struck in ("parent", "child"):
        command = begun(tmp_path, body)
        lines = iter(command.stdout.readline, "there\n")
        first, orphan = list(lines)
        child, orphan = process(int(first.split()[0])), process(int(orphan))
        assert {child, orphan} <= set(below(command.pid))
        os.kill(child.pid if struck == "child" else command.pid, signal.SIGKILL)
        assert command.wait(20) == -signal.SIGKILL
        deadline = time.monotonic() + 20
        while child.lives or (struck == "child" and orphan.lives):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        if orphan.lives:  # Ray's own processes ask the kernel to end them
            os.kill(orphan.pid, signal.SIGKILL)


def test_a_cluster_of_somebody_else_and_one_that_cannot_work_end_the_command():
    assert "RAY_ADDRESS: the Ray cluster is gone: no GCS" in str(LostClusterError("no GCS", "host:1").told)
    assert "no worker" in str(LostClusterError("no worker", final=True).told)
    # Nobody is there to begin this process again.
    assert "Ray was lost while the sweep ran" in str(LostClusterError("gone").told)
    assert "4 times" in str(lost_for_good("gone", losses=4))
