"""Our own cluster as it is watched: its servers, and whether a worker ever comes up."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nemesis_sweep.sweep.cluster import own_cluster as module
from nemesis_sweep.sweep.cluster.own_cluster import FIRST_WORKER, SLOWEST, STOPPED_FOR, OwnCluster
from nemesis_sweep.sweep.cluster.processes import Process


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def cluster(tmp_path):
    watched = OwnCluster(tmp_path, Clock())
    yield watched
    watched.end()


@pytest.fixture
def servers(cluster, tmp_path):
    """Processes that are called as Ray's servers are."""
    started = {}
    for name in ("raylet", "gcs_server"):
        shutil.copy(shutil.which("sleep"), tmp_path / name)
        started[name] = subprocess.Popen([tmp_path / name, "60"])
    deadline = time.monotonic() + 20
    while set(cluster._servers) != set(started) and time.monotonic() < deadline:
        assert cluster.look() is None
    return started


@pytest.mark.parametrize("name", ["raylet", "gcs_server"])
def test_a_server_that_ends_is_seen_even_as_a_zombie(cluster, servers, name):
    servers[name].kill()
    os.waitid(os.P_PID, servers[name].pid, os.WEXITED | os.WNOWAIT)
    lost = cluster.look()
    assert lost.reason == f"Ray's {name} has ended unexpectedly"
    assert (lost.address, lost.final) == ("", False)


def test_a_server_that_is_stopped_is_given_time(cluster, servers):
    os.kill(servers["raylet"].pid, signal.SIGSTOP)
    os.waitid(os.P_PID, servers["raylet"].pid, os.WSTOPPED | os.WNOWAIT)
    for _ in range(int(STOPPED_FOR)):
        assert cluster.look() is None
        cluster._clock.now += 1
    cluster._clock.now += 1
    cluster.look()
    cluster._clock.now += 1
    assert "is stopped by a signal" in cluster.look().reason


def test_it_is_told_when_no_worker_comes_up(cluster, servers):
    logs = cluster.folder / "r" / "session_2026" / "logs"
    logs.mkdir(parents=True)
    (logs / "raylet.err").write_text("ModuleNotFoundError: No module named 'ray'\n")
    cluster._clock.now += FIRST_WORKER - 1
    assert cluster.look() is None
    cluster._clock.now += 2
    assert "no worker comes up; raylet.err says: ModuleNotFoundError" in str(cluster.look().told)


def test_a_worker_that_is_only_slow_has_more_time(cluster, servers, monkeypatch):
    monkeypatch.setattr(module, "_comes_up", lambda process: process.lives)
    cluster._clock.now += FIRST_WORKER + 1
    assert cluster.look() is None
    cluster._clock.now += SLOWEST
    assert cluster.look() is not None


def test_all_of_it_is_ended(cluster, servers):
    cluster.end()
    assert not any(Path(f"/proc/{p.pid}/exe").exists() for p in servers.values())


def test_a_worker_is_one_that_ray_starts_as_such(monkeypatch):
    monkeypatch.setattr(Process, "title", f"{sys.executable} ray/_private/workers/default_worker.py --x")
    monkeypatch.setattr(Process, "lives", True)
    assert module._comes_up(Process(1, "1"))
