"""A cluster of our own, looked at from outside: loopback only, a token in no file, a private folder."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.cluster

LOOK = r"""
import json, os, re
from pathlib import Path
from nemesis_sweep.sweep.cluster.processes import below
from nemesis_sweep.sweep.cluster.ray_session import RaySession

def listening():
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A":
                found[words[9]] = words[1].split(":")[0]
    return found

def sockets(pid):
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if match := re.match(r"socket:\[(\d+)\]", os.readlink(link)):
                yield match[1]
        except OSError:
            continue

with RaySession().running():
    token, folder = os.environ["RAY_AUTH_TOKEN"], Path(os.environ["NEMESIS_SWEEP_CLUSTER"])
    family = [process.pid for process in below(os.getpid())]
    table = listening()
    addresses = {table[inode] for pid in (*family, os.getpid()) for inode in sockets(pid) if inode in table}
    told = {
        "addresses": sorted(addresses),
        "mode": oct(folder.stat().st_mode & 0o777),
        "titles": [p.pid for p in below(os.getpid()) if token in p.title],
        "files": [str(p) for p in folder.rglob("*") if p.is_file() and token.encode() in p.read_bytes()],
        "names": len(family),
    }
told["left"] = folder.exists()
told["environment"] = [name for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_MODE") if name in os.environ]
print(json.dumps(told))
"""

LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def test_nobody_else_reaches_it(tmp_path):
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    env["HOME"] = str(tmp_path)
    line = [sys.executable, "-c", LOOK]
    answer = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False, env=env)
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout.splitlines()[-1])
    assert told["names"] >= 5
    assert told["addresses"]
    assert set(told["addresses"]) <= LOOPBACK
    assert told["mode"] == "0o700"
    assert (told["titles"], told["files"], told["left"], told["environment"]) == ([], [], False, [])
    assert not (tmp_path / ".ray").exists()
