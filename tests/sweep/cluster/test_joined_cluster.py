"""Somebody else's cluster: its GCS by a real socket, this node's raylet by a real process."""

import os
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest
import ray
from ray._private import worker

from nemesis_sweep.sweep.cluster import joined_cluster as module
from nemesis_sweep.sweep.cluster.joined_cluster import AWAY, JoinedCluster

RAYLET = """
import socket, sys, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("ready", flush=True)
time.sleep(60)
"""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def gcs():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


@pytest.fixture
def joined(monkeypatch, gcs):
    """A cluster as `ray.init` leaves it, and the clock that it is watched by."""
    address = f"127.0.0.1:{gcs.getsockname()[1]}"
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(gcs_address=address))
    clock = Clock()
    return lambda: (JoinedCluster("auto", clock), clock)


def test_a_gcs_that_stays_away_is_lost_and_one_that_comes_back_is_not(joined, gcs, monkeypatch):
    cluster, clock = joined()
    assert cluster.look() is None
    there = True
    monkeypatch.setattr(module, "_takes_connections", lambda address: there)
    there = False
    for seconds in (3, AWAY - 3):
        clock.now += seconds
        assert cluster.look() is None
    there = True
    clock.now += 3
    assert cluster.look() is None
    there = False
    clock.now += AWAY + 3
    assert "its GCS has not answered for" in str(cluster.look().told)


def test_whether_it_answers_is_seen_at_its_port(gcs):
    address = f"127.0.0.1:{gcs.getsockname()[1]}"
    assert module._takes_connections(address)
    gcs.close()
    assert not module._takes_connections(address)


def test_a_raylet_of_this_node_that_ends_is_lost_at_once(joined, monkeypatch, tmp_path):
    path = os.path.relpath(tmp_path / "raylet")
    line = [sys.executable, "-c", RAYLET, path]
    raylet = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    assert raylet.stdout.readline() == "ready\n"
    monkeypatch.setattr(worker, "_global_node", SimpleNamespace(raylet_socket_name=path))
    cluster, _ = joined()
    assert cluster.look() is None
    raylet.kill()
    raylet.wait()
    told = str(cluster.look().told)
    assert "RAY_ADDRESS: the Ray cluster is gone: the raylet of this node has ended; found auto" in told
