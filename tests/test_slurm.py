"""launch/slurm.sh from its first line to its last, with this machine as both nodes of the allocation."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.real_sweep import STUDY, SWEEP, assert_consistent, wait_for
from tests.ray_cluster import BIN, free_port

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

ROOT = Path(__file__).parents[1]
# What Slurm's commands do here: name the nodes, and run what stands behind the options of srun.
SCONTROL = "#!/bin/sh\necho 127.0.0.1\necho 127.0.0.1\n"
SRUN = """#!/bin/sh
while [ "${1#--}" != "$1" ]; do shift; done
exec "$@" --node-ip-address=127.0.0.1 --dashboard-agent-listen-port=$PORT --object-store-memory=100000000
"""
PORT = "python -c 'import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); print(s.getsockname()[1])'"


@pytest.fixture
def slurm(tmp_path) -> Iterator[dict[str, str]]:
    """The environment of an allocation of two nodes with one CPU each."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in {"scontrol": SCONTROL, "srun": SRUN.replace("$PORT", f"$({PORT})")}.items():
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    (commands / "nemesis-sweep").write_text(f'#!/bin/sh\nexec {sys.executable} -m nemesis_sweep "$@"\n')
    (commands / "nemesis-sweep").chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    job = str(os.getpid())
    yield {
        **kept,
        "PATH": os.pathsep.join([str(commands), str(BIN), os.environ["PATH"]]),
        "SLURM_JOB_ID": job,
        "SLURM_JOB_NODELIST": "here,here",
        "SLURM_CPUS_PER_TASK": "1",
        "RAY_PORT": str(free_port()),
    }
    shutil.rmtree(f"/tmp/ray-{job}", ignore_errors=True)


def test_a_sweep_that_is_told_to_stop_continues_in_the_next_allocation(slurm, tmp_path):
    file, home = tmp_path / "short.yaml", tmp_path / "home"
    file.write_text(SWEEP)
    line = ["bash", str(ROOT / "launch/slurm.sh"), str(file), str(home), "--set", "method.epochs=40"]
    first = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=slurm)
    wait_for(lambda: list((home / "trials" / STUDY).glob("*/checkpoint/*")), seconds=300)
    first.send_signal(signal.SIGTERM)
    told, _ = first.communicate(timeout=120)
    assert first.returncode == 130, told
    assert "Interrupted. What was reported is kept" in told
    slurm["RAY_PORT"] = str(free_port())
    again = subprocess.run(line, capture_output=True, text=True, timeout=500, check=False, env=slurm)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "best found" in again.stdout
    assert_consistent(home, trials=3)
    assert not cluster_processes(slurm["SLURM_JOB_ID"])


def cluster_processes(job: str) -> list[str]:
    """What is left of the cluster of an allocation."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_bytes().decode(errors="replace"))
        except OSError:  # it has just ended
            continue
    return [command for command in commands if f"/ray-{job}" in command]
