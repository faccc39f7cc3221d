"""Workers that are stopped, silent or not there, on a clock of the test's own."""

import os
import signal
import subprocess
from types import SimpleNamespace

import pytest
from ray.tune.experiment import Trial

from nemesis_sweep.sweep import attendance as module
from nemesis_sweep.sweep.attendance import NOBODY, REPLACED, TOLD, Attendance, Enough
from nemesis_sweep.sweep.cluster.lost import LostClusterError
from nemesis_sweep.sweep.cluster.processes import process


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Sweep:
    """A sweep whose trials are what the test says."""

    def __init__(self, monkeypatch, folder, timeout=None, address="") -> None:
        self.said, self.killed, self.workers = [], [], []
        self.folder, self.clock = folder, Clock()
        resources = SimpleNamespace(timeout=timeout)
        self.broker = SimpleNamespace(
            sweep=SimpleNamespace(resources=resources),
            home=SimpleNamespace(path=folder),
            progress=SimpleNamespace(say=self.said.append),
            resources={"cpu": 1},
            stopping=False,
        )
        session = SimpleNamespace(own=not address, address=address, workers=lambda: self.workers)
        self.attendance = Attendance(self.broker, session, self.clock)
        self.enough = Enough(self.broker, self.attendance)
        owner = SimpleNamespace(study="digits", number="3")
        told = SimpleNamespace(owner=owner, folder=folder)
        monkeypatch.setattr(module, "read_trial_spec", lambda config: told)
        monkeypatch.setattr(module.ray, "kill", self.killed.append)

    def pass_time(self, seconds: float, *statuses: str) -> None:
        trials = [
            SimpleNamespace(
                trial_id=str(number),
                status=status,
                config={},
                last_result={},
                temporary_state=SimpleNamespace(ray_actor=f"actor {number}"),
            )
            for number, status in enumerate(statuses)
        ]
        for _ in range(int(seconds)):
            self.clock.now += 1
            self.attendance.on_step_begin(0, trials)


def test_a_trial_that_reports_nothing_is_told_and_its_worker_replaced(monkeypatch, tmp_path):
    sweep = Sweep(monkeypatch, tmp_path, timeout=100)
    sweep.pass_time(90, Trial.RUNNING)
    assert sweep.said == ["digits trial 3: no report for 51 s; its worker is replaced after 100 s"]
    (tmp_path / "metrics.jsonl").write_text("{}")
    sweep.pass_time(99, Trial.RUNNING)
    assert sweep.killed == []
    sweep.pass_time(3, Trial.RUNNING)
    assert sweep.killed == ["actor 0"]
    assert "no report for 100 s (resources.timeout); its worker is replaced" in sweep.said[-1]


def test_without_a_timeout_trials_may_be_silent_for_ever(monkeypatch, tmp_path):
    sweep = Sweep(monkeypatch, tmp_path)
    sweep.pass_time(10_000, Trial.RUNNING)
    assert (sweep.said, sweep.killed) == ([], [])


@pytest.mark.parametrize("stopping", [False, True])
def test_a_worker_that_is_stopped_is_told_and_replaced(monkeypatch, tmp_path, stopping):
    sweep = Sweep(monkeypatch, tmp_path)
    worker = subprocess.Popen(["sleep", "60"])
    sweep.workers = [process(worker.pid)]
    os.kill(worker.pid, signal.SIGSTOP)
    os.waitpid(worker.pid, os.WUNTRACED)
    sweep.broker.stopping = stopping
    sweep.pass_time(2 if stopping else TOLD + 1, Trial.RUNNING)
    assert len(sweep.said) == 1
    assert sweep.workers[0].lives is not stopping
    sweep.pass_time(REPLACED - TOLD, Trial.RUNNING)
    assert not sweep.workers[0].lives
    assert f"worker process {worker.pid} was stopped by a signal; it is replaced" in sweep.said


def test_a_driver_that_was_stopped_itself_takes_nobody_for_silent(monkeypatch, tmp_path):
    sweep = Sweep(monkeypatch, tmp_path, timeout=100)
    sweep.pass_time(2, Trial.RUNNING)
    sweep.clock.now += 1000
    sweep.pass_time(2, Trial.RUNNING)
    assert (sweep.said, sweep.killed) == ([], [])


def test_trials_that_wait_for_nobody_end_our_own_cluster(monkeypatch, tmp_path):
    sweep = Sweep(monkeypatch, tmp_path)
    sweep.pass_time(NOBODY - 1, Trial.PENDING)
    sweep.pass_time(1, Trial.PENDING, Trial.RUNNING)
    sweep.pass_time(NOBODY - 1, Trial.PENDING)
    with pytest.raises(LostClusterError, match="no worker has come up for 60 s") as caught:
        sweep.pass_time(3, Trial.PENDING)
    assert not caught.value.final


@pytest.mark.parametrize("nodes", [[{"CPU": 0.0}], [], [{"CPU": 2.0}]])
def test_somebody_elses_cluster_is_left_when_none_of_its_nodes_has_room(monkeypatch, tmp_path, nodes):
    sweep = Sweep(monkeypatch, tmp_path, address="head:1")
    monkeypatch.setattr(module, "nodes_there", lambda: nodes)
    if nodes == [{"CPU": 2.0}]:  # Others may be at work there.
        sweep.pass_time(10 * NOBODY, Trial.PENDING)
        return
    with pytest.raises(LostClusterError, match="none of its nodes has had room for a trial") as caught:
        sweep.pass_time(NOBODY + 2, Trial.PENDING)
    assert "RAY_ADDRESS" in str(caught.value.told)


def test_a_sweep_that_is_to_stop_waits_for_trials_that_run_and_for_no_others(monkeypatch, tmp_path):
    sweep = Sweep(monkeypatch, tmp_path)
    sweep.pass_time(1, Trial.PENDING)
    assert not sweep.enough.stop_all()
    sweep.broker.stopping = True
    sweep.pass_time(1, Trial.RUNNING, Trial.PENDING)
    assert not sweep.enough.stop_all()
    sweep.pass_time(1, Trial.PENDING)
    assert sweep.enough.stop_all()
