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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
# Addresses of their own, so that a driver knows which of the nodes is its own.
HEAD, SECOND = "127.0.0.1", "127.0.0.2"


@dataclass
class Cluster:
    """The address of its job server and of itself, and the token that both want to be shown."""

    address: str
    gcs: str
    token: str
    env: Mapping[str, str]
    folder: str
    processes: list[subprocess.Popen] = field(default_factory=list)
    """``ray start`` of the head and, after it, of the second node."""

    def state(self, kind: str) -> list[dict[str, Any]]:
        """What Ray itself knows of its ``nodes`` or ``actors``, dead ones too."""
        request = urllib.request.Request(
            f"{self.address}/api/v0/{kind}?detail=1&limit=1000",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]["result"]["result"]

    def start_second(self) -> None:
        """Let the second node join, for the first time or after its end."""
        before = {node["node_id"] for node in self.state("nodes")}
        del self.processes[1:]
        self._start(SECOND, [f"--address={self.gcs}", "--num-cpus=1"])
        wait_for(lambda: {node["node_id"] for node in alive(self)} - before, self.processes)

    def kill_second(self) -> None:
        """kill -9 for the second node's raylet; what belongs to it follows."""
        process = self.processes[1]
        (raylet,) = (pid for pid in children(process.pid) if name_of(pid) == "raylet")
        os.kill(raylet, signal.SIGKILL)
        process.wait(60)

    def start_head(self, cpus: int, dashboard: str) -> None:
        port = self.gcs.rpartition(":")[2]
        self._start(
            HEAD,
            [
                *("--head", f"--port={port}", f"--dashboard-port={dashboard}", "--include-dashboard=true"),
                *("--dashboard-host=127.0.0.1", f"--temp-dir={self.folder}", f"--num-cpus={cpus}"),
            ],
        )
        wait_for(lambda: len(alive(self)) == 1, self.processes)

    def _start(self, ip: str, arguments: list[str]) -> None:
        """``ray start`` in the foreground: the node lives as long as this process."""
        line = [
            *(str(BIN / "ray"), "start", "--block", "--num-gpus=0", "--disable-usage-stats"),
            *(f"--node-ip-address={ip}", "--object-store-memory=100000000"),
            *(f"--dashboard-agent-listen-port={free_port()}", *arguments),
        ]
        # Jobs start `python`, which must be this one.
        own = {**self.env, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
        own.pop("RAY_ADDRESS", None)
        with (Path(self.folder) / f"node-{time.time_ns()}.log").open("w") as log:
            self.processes.append(
                subprocess.Popen(line, env=own, stdout=log, stderr=log, start_new_session=True)
            )


@contextmanager
def two_nodes(env: Mapping[str, str] = os.environ, head_cpus: int = 1) -> Iterator[Cluster]:
    """Start a head and a second node with one CPU, and end exactly these processes afterwards."""
    # Short, because Ray puts sockets below it.
    folder = tempfile.mkdtemp(prefix="nsr-", dir="/tmp")
    dashboard, token = str(free_port()), secrets.token_hex(32)
    env = {**env, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    cluster = Cluster(f"http://127.0.0.1:{dashboard}", f"{HEAD}:{free_port()}", token, env, folder)
    try:
        cluster.start_head(head_cpus, dashboard)
        cluster.start_second()
        yield cluster
    finally:
        for process in reversed(cluster.processes):
            process.send_signal(signal.SIGTERM)
        for process in reversed(cluster.processes):
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def children(parent: int) -> list[int]:
    """The processes that a process has started."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


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
