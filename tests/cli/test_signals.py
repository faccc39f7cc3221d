"""What ends a sweep from outside rarely ends its driver alone: groups, jobs and terminals end as a whole."""

import json
import os
import pty
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from safetensors.torch import load_file

from nemesis_sweep.training.checkpoint import FILE
from tests.cli.real_sweep import STUDY, command, in_the_middle_of, mlflow_runs, verb, wait_for

pytestmark = pytest.mark.cluster

SWEEP = """
name: short
tasks: {backbone: icon-clip, dataset: digits, shots: 1, replicates: 2}
method: {beta: 0, epochs: 60, views: 1}
space:
  omega: {low: 0.1, high: 100, log: true}
search: {eval_every: 2, pruner: none, baselines: []}
budget: {trials: 2}
resources: {cpus: 1, concurrent: 1}
"""


def session(leader: int) -> list[int]:
    """The processes of a session that live."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, of = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:4]
        except OSError:  # it has just ended
            continue
        if int(of) == leader and state != "Z":
            found.append(int(folder.name))
    return found


def assert_put_off(home: Path) -> None:
    """What the first trial told last is kept, and nobody is at work: the next run goes on with it."""
    status = json.loads(verb("status", str(home), "--json").stdout)
    assert (status["driver"], status["studies"][0]["running"]) == (None, 1)
    storage = JournalStorage(JournalFileBackend(str(home / "optuna.journal")))
    trial = optuna.load_study(study_name=STUDY, storage=storage).trials[0]
    state = load_file(home / "trials" / STUDY / "0" / "checkpoint" / FILE)
    assert trial.state.name == "RUNNING"
    assert max(trial.intermediate_values) == int(state["epoch"])
    (parent,), trials = mlflow_runs(home)
    assert [run.info.status for run in (parent, *trials)] == ["KILLED"] * 2


@pytest.fixture
def file(tmp_path) -> Path:
    made = tmp_path / "short.yaml"
    made.write_text(SWEEP)
    return made


def test_all_processes_are_told_to_end(file, tmp_path):
    """SIGTERM for Ray's processes too, as from Slurm or systemd, while the reader of the output ends: the run
    ends in good order and leaves nothing behind."""
    home = tmp_path / "home"
    first = subprocess.Popen(
        command(file, home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_for(in_the_middle_of(home, "0"))
    first.stdout.close()
    told = session(first.pid)
    assert len(told) > 5
    for process in told:
        os.kill(process, signal.SIGTERM)
    assert first.wait(60) == 130
    assert "Traceback" not in (said := first.stderr.read())
    assert "continue with" in said
    wait_for(lambda: not session(first.pid), 20)
    assert_put_off(home)


@pytest.mark.slow
def test_the_terminal_closes(file, tmp_path):
    home = tmp_path / "home"
    leader, terminal = pty.fork()
    if not leader:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # Tests under nohup would hand on that it is ignored.
        os.execv(command(file, home)[0], command(file, home))
    os.set_blocking(terminal, False)
    shown = b""

    def watched() -> bool:
        nonlocal shown
        with suppress(BlockingIOError):
            shown += os.read(terminal, 1 << 20)
        return in_the_middle_of(home, "0")()

    wait_for(watched)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(leader, 0)[1]) == 130
    assert "2 trials" in shown.decode()
    wait_for(lambda: not session(leader), 20)
    assert_put_off(home)
