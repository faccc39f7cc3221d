"""A real Ray cluster of two nodes on this machine, with a job server, in processes of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Cluster:
    """The address of its job server, and the token that it wants to be shown."""

    address: str
    token: str

    def state(self, kind: str) -> list[dict[str, Any]]:
        """What Ray itself knows of its ``nodes`` or ``actors``, dead ones too."""
        request = urllib.request.Request(
            f"{self.address}/api/v0/{kind}?detail=1", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]["result"]["result"]


@contextmanager
def two_nodes(env: Mapping[str, str] = os.environ) -> Iterator[Cluster]:
    """Start a head and a second node with one CPU each, and end exactly these processes afterwards."""
    # Short, because Ray puts sockets below it.
    folder = tempfile.mkdtemp(prefix="nsr-", dir="/tmp")
    gcs, dashboard = free_port(), free_port()
    head = [
        *("--head", f"--port={gcs}", f"--dashboard-port={dashboard}", "--include-dashboard=true"),
        *("--dashboard-host=127.0.0.1", f"--temp-dir={folder}"),
    ]
    cluster = Cluster(f"http://127.0.0.1:{dashboard}", secrets.token_hex(32))
    env = {**env, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": cluster.token}
    started: list[subprocess.Popen] = []
    try:
        started.append(_start(head, folder, env))
        wait_for(lambda: len(alive(cluster)) == 1, started)
        started.append(_start([f"--address=127.0.0.1:{gcs}"], folder, env))
        wait_for(lambda: len(alive(cluster)) == 2, started)
        yield cluster
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        for process in reversed(started):
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def alive(cluster: Cluster) -> list[dict[str, Any]]:
    """The nodes that live; none while nothing answers."""
    try:
        return [node for node in cluster.state("nodes") if node["state"] == "ALIVE"]
    except (OSError, ValueError, LookupError):
        return []


def wait_for(condition: Any, processes: list[subprocess.Popen], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert all(process.poll() is None for process in processes), "a node has ended"
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _start(arguments: list[str], folder: str, env: Mapping[str, str]) -> subprocess.Popen:
    """``ray start`` in the foreground: the node lives as long as this process."""
    line = [
        *(str(BIN / "ray"), "start", "--block", "--num-cpus=1", "--num-gpus=0", "--disable-usage-stats"),
        *("--node-ip-address=127.0.0.1", "--object-store-memory=100000000"),
        *(f"--dashboard-agent-listen-port={free_port()}", *arguments),
    ]
    # Jobs start `python`, which must be this one.
    own = {**env, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    own.pop("RAY_ADDRESS", None)
    with (Path(folder) / f"node-{time.time_ns()}.log").open("w") as log:
        return subprocess.Popen(line, env=own, stdout=log, stderr=log, start_new_session=True)
